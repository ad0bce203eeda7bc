import assert from 'node:assert/strict';
import { afterEach, mock, suite, test } from 'node:test';
import { TicketSecrets } from './ticket-secrets.ts';

const HOUR = 3_600_000;
const SECRET = 'a secret that all nodes of a test share';

suite('Secrets of session tickets', () => {
  const opened: TicketSecrets[] = [];
  afterEach(() => {
    for (const secrets of opened.splice(0)) secrets.close();
    mock.timers.reset();
  });

  /** What was published, in hex digits, newest last. */
  function started(secret: string | undefined, nowMs: number) {
    const published: string[][] = [];
    const publish = (secrets: readonly Uint8Array[]): void =>
      void published.push(secrets.map((each) => Buffer.from(each).toString('hex')));
    const secrets = new TicketSecrets({ publish, nowMs: () => nowMs + clock.passed });
    opened.push(secrets);
    secrets.configure({ secret, rotation: HOUR });
    return { secrets, published };
  }
  const clock = { passed: 0 };
  function pass(ms: number): void {
    clock.passed += ms;
    mock.timers.tick(ms);
  }
  function begin(): void {
    clock.passed = 0;
    mock.timers.enable({ apis: ['setTimeout'] });
  }

  test('that nobody gave are made up, replaced in each period, and forgotten after the next', () => {
    begin();
    const { published } = started(undefined, 10.5 * HOUR);
    assert.equal(published.length, 1);
    pass(HOUR / 2 - 1);
    assert.equal(published.length, 1);
    pass(1);
    pass(HOUR);
    const [first, second, third] = published;
    assert.equal(first?.length, 1);
    assert.deepEqual(second?.slice(1), first);
    assert.deepEqual(third?.slice(1), second?.slice(0, 1));
    assert.equal(new Set(published.flat()).size, 3);
  });

  test('that follow from a shared secret are the same on all nodes, present, former and next', () => {
    begin();
    const one = started(SECRET, 10.2 * HOUR).published;
    const ahead = started(SECRET, 11.1 * HOUR).published;
    const another = started(`${SECRET}.`, 10.2 * HOUR).published;
    assert.deepEqual(ahead[0]?.slice(1), [one[0]?.[0], ahead[0]?.[2]]);
    assert.equal(one[0]?.[2], ahead[0]?.[0]);
    assert.equal(
      another[0]?.some((secret) => one[0]?.includes(secret)),
      false,
    );
  });

  test('stay as they are when the settings do', () => {
    begin();
    const { secrets, published } = started(undefined, 0);
    secrets.configure({ secret: undefined, rotation: HOUR });
    assert.equal(published.length, 1);
    secrets.configure({ secret: SECRET, rotation: HOUR });
    assert.equal(published.length, 2);
  });
});
