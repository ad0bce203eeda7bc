/**
 * A text as octets in the middle of others, as they stand in a buffer that reads share: whoever looks before or behind them finds the end of
 * a head, and more.
 */
export function amidst(text: string): { readonly data: Buffer; readonly from: number; readonly to: number } {
  const before = 'GET / HTTP/1.1\r\n\r\n';
  const data = Buffer.from(`${before}${text}\n\r\n: HTTP/1.1\r\nA: b\r\n\r\n`, 'latin1');
  return { data, from: before.length, to: before.length + text.length };
}
