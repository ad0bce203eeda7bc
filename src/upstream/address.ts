/** `http://host:port`, as whatever is asked over HTTP is written: without a path, and without a user. */
export const HTTP_ADDRESS = /^https?:\/\/[^/?#@\s]+\/?$/;

const WITH_USER = /^https?:\/\/[^/?#]*@/;

/** What is wrong with what is no address of a service. */
export function addressFault(text: unknown): string {
  return typeof text === 'string' && WITH_USER.test(text)
    ? 'has a user name or a password in it: write http://host:port, and send Authorization by the policy headers'
    : 'is not the address of a service: write http://host:port or https://host:port, without a path';
}

/** Where a target is, read from its URL. */
export interface TargetAddress {
  /** As a socket wants it: an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** host:port, for log and metrics. */
  readonly name: string;
  /** Host field when the target is asked under its own name: no default port. */
  readonly authority: string;
  readonly secure: boolean;
}

/** Takes `http(s)://host:port`; the port is 80 or 443 when it is not there. Throws TypeError for what is no URL: schemas and sources see to that. */
export function targetAddress(url: string): TargetAddress {
  const at = new URL(url);
  const secure = at.protocol === 'https:';
  const port = Number(at.port || (secure ? 443 : 80));
  return {
    host: at.hostname.replace(/^\[|\]$/g, ''),
    port,
    name: `${at.hostname}:${port}`,
    authority: at.host,
    secure,
  };
}

/** The same URL with another port; without one, as it is. */
export function withPort(url: string, port: number | undefined): string {
  if (port === undefined) return url;
  const at = new URL(url);
  at.port = String(port);
  return at.origin;
}
