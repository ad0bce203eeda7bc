import { trimBlanks } from './characters.ts';

/** Whether an Upgrade field of a 101 switches to nothing but protocols that were offered (RFC 9110 section 7.8). */
export function isAgreement(agreed: string, offered: string): boolean {
  const offers = new Set(protocolsOf(offered));
  const protocols = protocolsOf(agreed);
  return protocols.length > 0 && protocols.every((protocol) => offers.has(protocol));
}

function protocolsOf(field: string): string[] {
  return field
    .toLowerCase()
    .split(',')
    .map(trimBlanks)
    .filter((protocol) => protocol !== '');
}
