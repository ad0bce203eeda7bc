import { type ChildProcess, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestAuthority } from '../../../../test/support/certificates.ts';

/** OpenSSL's own OCSP responder, for certificates of one authority. */
export class Responder {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #directory: string;

  private constructor(port: number, child: ChildProcess, directory: string) {
    this.port = port;
    this.#child = child;
    this.#directory = directory;
  }

  /** `states` tells of certificates (PEM) whether they are valid or revoked; it is asked about others too. Port 0 takes a free one. */
  static async start(
    authority: TestAuthority,
    states: readonly (readonly [cert: string, state: 'V' | 'R'])[],
    port: number,
  ): Promise<Responder> {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-ocsp-'));
    const at = (name: string) => join(directory, name);
    const index = states.map(([cert, state]) => {
      const { serialNumber, subject } = new X509Certificate(cert);
      return `${state}\t491231235959Z\t${state === 'R' ? '240101000000Z' : ''}\t${serialNumber}\tunknown\t/${subject}\n`;
    });
    writeFileSync(at('index'), index.join(''));
    writeFileSync(at('ca.pem'), authority.cert);
    writeFileSync(at('ca.key'), await authority.key());
    const files = [
      '-index',
      at('index'),
      '-rsigner',
      at('ca.pem'),
      '-rkey',
      at('ca.key'),
      '-CA',
      at('ca.pem'),
    ];
    const child = spawn('openssl', ['ocsp', '-port', String(port), ...files, '-nmin', '60'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const failed = once(child, 'error').then(([error]) => {
      throw new Error('this test needs the command openssl', { cause: error });
    });
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const bound = /^ACCEPT .*:(\d+)/.exec(line)?.[1];
      if (bound !== undefined) {
        failed.catch(() => {});
        return new Responder(Number(bound), child, directory);
      }
    }
    await failed;
    throw new Error('openssl ocsp ended before it listened');
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
