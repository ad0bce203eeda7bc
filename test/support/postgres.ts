/** The PostgreSQL of this machine: at DATABASE_URL, or where it mostly is. */
import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';
import { Client } from 'pg';

const WANTED = process.env['DATABASE_URL'] ?? 'postgresql://127.0.0.1:5432/test';

/** A name of one's own within the database, which goes with the test. */
export class ScratchSchema implements AsyncDisposable {
  readonly name = `test_${randomBytes(8).toString('hex')}`;

  /** With a user, which PostgreSQL's own programs take from the system where none is given. */
  get url(): string {
    const url = new URL(WANTED);
    if (url.username === '' && process.env['PGUSER'] === undefined) url.username = userInfo().username;
    return url.href;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = new Client(this.url);
    try {
      await client.connect();
    } catch (cause) {
      throw new Error(`nothing listens at ${WANTED}: set DATABASE_URL, or start PostgreSQL`, { cause });
    }
    try {
      await client.query(`drop schema if exists ${this.name} cascade`);
    } finally {
      await client.end();
    }
  }
}
