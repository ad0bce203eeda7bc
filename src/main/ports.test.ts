import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import type { DataPlaneConfig } from '../server/config.ts';
import { PortChooser } from './ports.ts';

function config(listeners: Record<string, { address: string; port: number }>): DataPlaneConfig {
  return {
    listeners,
    certificates: {},
    services: {},
    routes: {},
    policies: [],
    observability: {},
  } as unknown as DataPlaneConfig;
}

describe('a listener with port 0', () => {
  for (const reusePort of process.platform === 'linux' ? [true, false] : [false]) {
    it(`gets a port that a worker can bind (reusePort ${reusePort}) and keeps it over reloads`, async () => {
      const chooser = new PortChooser(reusePort);
      const first = await chooser.choose(config({ web: { address: '127.0.0.1', port: 0 } }));
      const port = first.config.listeners['web']?.port ?? 0;
      assert.notEqual(port, 0);
      const worker = createServer();
      await new Promise<void>((resolve, reject) => {
        worker.once('error', reject);
        worker.listen({ host: '127.0.0.1', port, reusePort }, resolve);
      });
      await first.keep();
      const second = await chooser.choose(config({ web: { address: '127.0.0.1', port: 0 } }));
      assert.equal(second.config.listeners['web']?.port, port);
      await second.keep();
      await new Promise((resolve) => worker.close(resolve));
    });
  }

  it('leaves other ports as they are', async () => {
    const chosen = await new PortChooser(false).choose(config({ web: { address: '127.0.0.1', port: 8080 } }));
    assert.equal(chosen.config.listeners['web']?.port, 8080);
    await chosen.release();
  });

  it('rejects where the address cannot be bound', async () => {
    await assert.rejects(
      new PortChooser(false).choose(config({ web: { address: '203.0.113.1', port: 0 } })),
      {
        code: 'EADDRNOTAVAIL',
      },
    );
  });
});
