/** A configuration for two workers whose every request goes to the service `orders`; `service` stands under its name, in flow style. */
export function ordersConfig(service: string, more = ''): string {
  return `
listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 2 }
observability: { accessLog: { enabled: false } }
services:
  orders: ${service}
${more}
routes:
  orders: { match: { paths: ['/*'] }, service: orders }
`;
}
