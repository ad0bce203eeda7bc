/**
 * Where a client's connection stands.
 *
 * - idle: between requests
 * - head: a request has begun
 * - busy: an exchange is going on, or the rest of its body is dropped
 * - tunnel: octets are passed on as they are
 * - lingering: the last answer is sent; what still comes is dropped
 */
export type ConnectionState = 'idle' | 'head' | 'busy' | 'tunnel' | 'lingering' | 'closed';
