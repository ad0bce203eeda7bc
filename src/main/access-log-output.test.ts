import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inUtc } from '../../test/support/utc.ts';
import { observabilitySchema } from '../observability/schema.ts';
import { ConfiguredLogOutput } from './access-log-output.ts';

const MAX_QUEUE_BYTES = 12;
// Readable lines show local time.
inUtc();

/** A disk that writes when the test says so. */
class SlowDisk {
  readonly written: string[] = [];
  readonly opened: string[] = [];
  #finish: (() => void) | undefined;

  readonly files = {
    openSync: (path: string): number => 100 + this.opened.push(path),
    write: (
      _fd: number,
      buffer: Uint8Array,
      offset: number,
      length: number,
      _position: null,
      done: (error: null, written: number) => void,
    ): void => {
      this.#finish = () => {
        this.written.push(Buffer.from(buffer.subarray(offset, offset + length)).toString());
        done(null, length);
      };
    },
    close: (_fd: number, done: () => void): void => done(),
  };

  finishAll(): void {
    for (let finish = this.#finish; finish !== undefined; finish = this.#finish) {
      this.#finish = undefined;
      finish();
    }
  }
}

function settings(accessLog: Parameters<typeof observabilitySchema.parse>[0]) {
  return observabilitySchema.parse({ accessLog }).accessLog;
}

describe('the access log', () => {
  const NOTICES: readonly [format: 'json' | 'line', notice: string][] = [
    ['json', '{"time":"2026-01-31T12:03:11.123Z","droppedLines":2}\n'],
    ['line', '12:03:11.123 lines dropped here: 2\n'],
  ];
  for (const [format, notice] of NOTICES) {
    it(`says itself, in ${format}, that lines of it were lost`, async (t) => {
      t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 31, 12, 3, 11, 123) });
      const disk = new SlowDisk();
      const output = new ConfiguredLogOutput(() => assert.fail('nothing is wrong'), {
        files: disk.files,
        maxQueueBytes: MAX_QUEUE_BYTES,
      });
      await output.configure(settings({ destination: '/var/log/access.log', format }));
      output.write(Buffer.from('first line\n'));
      output.write(Buffer.from('a\nb\n'));
      assert.equal(output.droppedLines, 2);
      disk.finishAll();
      assert.deepEqual(disk.written, ['first line\n', notice]);
      await output.close();
    });
  }

  it('counts what was lost also after it has moved to another file', async () => {
    const disk = new SlowDisk();
    const output = new ConfiguredLogOutput(() => assert.fail('nothing is wrong'), {
      files: disk.files,
      maxQueueBytes: MAX_QUEUE_BYTES,
    });
    await output.configure(settings({ destination: '/var/log/one.log' }));
    output.write(Buffer.from('this line is too long\n'));
    await output.configure(settings({ destination: '/var/log/two.log' }));
    assert.equal(output.droppedLines, 1);
    assert.deepEqual(disk.opened, ['/var/log/one.log', '/var/log/two.log']);
    await output.close();
  });
});
