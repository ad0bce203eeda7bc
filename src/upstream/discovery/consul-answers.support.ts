/** An instance as Consul tells of it, with some of what is not used. */
export function instance(address: string, port = 8080, service: object = {}, node: object = {}) {
  return {
    Node: { ID: '7f', Node: 'node-1', Address: '10.9.9.9', Datacenter: 'dc1', Meta: {}, ...node },
    Service: { ID: 'orders-1', Service: 'orders', Tags: ['a b'], Address: address, Port: port, ...service },
    Checks: [{ CheckID: 'serfHealth', Status: 'passing' }],
  };
}

/** The field that says how far Consul is. */
export const index = (value: number | string) => ({ 'X-Consul-Index': String(value) });
