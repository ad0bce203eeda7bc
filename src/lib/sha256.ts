import { hash } from 'node:crypto';

/** SHA-256 of a text in base64url, 43 letters: what stands for a text that is long or secret. */
export function sha256(text: string): string {
  return hash('sha256', text, 'base64url');
}
