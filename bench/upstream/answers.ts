/** What the upstream answers, so that nginx and the Node upstream answer alike. */
export const LARGE_PATH = '/large';
export const UPLOAD_PATH = '/upload';
export const LARGE_BYTES = 1024 * 1024;

/** 118 bytes, the size of a small API answer. */
export const JSON_BODY =
  '{"id":4711,"name":"portcullis","tags":["gateway","proxy","bench"],"price":{"amount":1999,"currency":"EUR"},"ok":true }';

/** Fields that an application server usually sends. */
export const JSON_FIELDS = {
  'Cache-Control': 'no-cache, private',
  ETag: '"5d8c72a5edda8-76"',
  Vary: 'Accept-Encoding',
  'X-Content-Type-Options': 'nosniff',
} as const;

export function jsonAnswer(): string {
  const fields = Object.entries(JSON_FIELDS).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 200 OK\r\nServer: upstream\r\nContent-Type: application/json\r\nContent-Length: ${JSON_BODY.length}\r\n${fields.join('')}\r\n${JSON_BODY}`;
}
