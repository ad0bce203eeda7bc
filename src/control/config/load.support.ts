import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatErrors } from './format.ts';
import { type LoadedConfig, type LoadOptions, loadConfig } from './load.ts';
import type { PortcullisConfigInput } from './schema.ts';

export const directory = mkdtempSync(join(tmpdir(), 'portcullis-load-'));
// As long as this module: several test files may share it.
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

/** A self-signed certificate for localhost, good from 2026-11-21 for a hundred years, and its key; made for these tests. */
export const CERT = `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUD9ND4HuWLalKeUWNmIPGm/HghYQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA0MTExN1oYDzIxMjYxMDI4
MDQxMTE3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT4WncfHdUAj/fgdhfGK0QxrS540Yefebzctj1fqbOSi9g14OMHqdRp
d++z3sU87ZteGY/hLusONye2BFEo3GKao2kwZzAdBgNVHQ4EFgQUgGG/SuAr2caE
4tcnka6X/2d46n8wHwYDVR0jBBgwFoAUgGG/SuAr2caE4tcnka6X/2d46n8wDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAIRZBMRuWZpkEhDP4Di8GNRS6/tCvJpM2M4uvYr8furkAiAS8PEckZdU
aDr+0GSuic5nyZfKD12IJgNv4uEXnTwYHw==
-----END CERTIFICATE-----
`;
export const KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHAo4A7df5lhvPCt3q9B+EuAa7MX4/bMqusYaKDiAe8UoAoGCCqGSM49
AwEHoUQDQgAE+Fp3Hx3VAI/34HYXxitEMa0ueNGHn3m83LY9X6mzkovYNeDjB6nU
aXfvs97FPO2bXhmP4S7rDjcntgRRKNximg==
-----END EC PRIVATE KEY-----
`;
export const OTHER_KEY = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIOwv1wrG/hjlsmC5/MLWZlI0vkBVrYV73UKtfPcD9HqaoAoGCCqGSM49
AwEHoUQDQgAEepjyQ7sMeggf7B2N62UWvqRuxA6Y9WTelRvDkOdnjQ2R0qQCwSeJ
6OCQYwzAR5r4SLwIGhq6OZ/uArNbAIONgA==
-----END EC PRIVATE KEY-----
`;
export const NOW = Date.parse('2030-01-01T00:00:00Z');

export type Files = Readonly<Record<string, string | Uint8Array>>;

/** Writes the files to a directory of their own; gives the path of the first. */
export function place(files: Files): string {
  const home = mkdtempSync(join(directory, 'case-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(home, name), text);
  return join(home, Object.keys(files)[0] as string);
}

export async function load(files: Files, options: LoadOptions = {}): Promise<LoadedConfig> {
  const result = await loadConfig(place(files), { nowMs: NOW, env: {}, ...options });
  assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
  return result.config;
}

export async function messages(files: Files, options: LoadOptions = {}): Promise<string[]> {
  const result = await loadConfig(place(files), { nowMs: NOW, env: {}, ...options });
  return [...(result.ok ? [] : result.errors), ...result.warnings].map(
    (error) =>
      `${error.severity} ${error.line}:${error.column} ${error.path}: ${error.message}${error.suggestion === undefined ? '' : ` (${error.suggestion})`}`,
  );
}

export const SMALL: PortcullisConfigInput = {
  services: { users: { url: 'http://127.0.0.1:9001' } },
  routes: { users: { match: { paths: ['/users/*'] }, service: 'users', timeout: '30s' } },
};
