import { type Fields, initialBit, isToken } from '../http/fields.ts';
import type { GatewayRequest } from './exchange.ts';

/** Fields that say how a message is framed, or are for one hop: the gateway writes them itself, whatever a policy left there. */
const FRAMING: readonly string[] = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
];

const FRAMING_INITIALS = FRAMING.reduce((bits, name) => bits | initialBit(name.charCodeAt(0)), 0);

/** Removes what a policy has no say in, before a message is sent. The parsers keep these fields of a message apart, so only added ones count. */
export function dropFraming(fields: Fields): void {
  fields.deleteAdded(FRAMING, FRAMING_INITIALS);
}

const TARGET_TEXT = /^\/[\x21-\x7e]*$/;
const HOST_TEXT = /^[\x21-\x7e]*$/;

/** Whether what policies made of the request line and of Host stays within them. */
export function isSendable(request: GatewayRequest): boolean {
  const { method, path, search, upstreamMethod, upstreamPath, upstreamSearch, upstreamHost } = request;
  const changed = upstreamMethod !== method;
  // As it was parsed: what most policies leave alone.
  if (!changed && upstreamHost === undefined && upstreamPath === path && upstreamSearch === search)
    return true;
  if (changed && (!isToken(upstreamMethod) || upstreamMethod === 'CONNECT' || upstreamMethod === 'HEAD'))
    return false;
  return (
    TARGET_TEXT.test(upstreamPath + upstreamSearch) &&
    (upstreamHost === undefined || HOST_TEXT.test(upstreamHost))
  );
}
