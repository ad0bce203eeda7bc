/** Why tokens and secrets are not sent to an address; completes a sentence that begins with it. */
export function addressProblem(url: URL, insecure = false): string | undefined {
  if (url.username !== '' || url.password !== '') return 'has a user name or a password in it';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'is neither https nor http';
  return insecure || isLoopback(url.hostname)
    ? undefined
    : 'is http, which everybody on the way can read: use https, or say `insecure: true`';
}

/** Whether a host of a URL is this machine. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
