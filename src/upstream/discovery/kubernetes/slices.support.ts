/** An endpoint of an EndpointSlice as the API writes it; without conditions it is ready. */
export function endpoint(address: string, more: object = {}) {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', name: `orders-${address}` },
    nodeName: 'node-1',
    ...more,
  };
}

/** An EndpointSlice with one port, `http` 8080. */
export function slice(name: string, version: number, endpoints: readonly object[] | null, more: object = {}) {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      name,
      namespace: 'shop',
      resourceVersion: String(version),
      labels: { 'kubernetes.io/service-name': 'orders' },
    },
    addressType: 'IPv4',
    endpoints,
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    ...more,
  };
}
