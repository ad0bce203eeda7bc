import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Workspace } from '../../../test/support/cli.ts';
import { fencesOf } from '../../../test/support/markdown.ts';
import { startApi } from '../../control/admin/v1/api.support.ts';
import { FakeConfiguration } from '../../control/admin/v1/fake-configuration.support.ts';
import { main } from '../cli.ts';

it('every command of docs/managing.md does what it says, one after the other', async () => {
  const fences = fencesOf(
    readFileSync(fileURLToPath(new URL('../../../docs/managing.md', import.meta.url)), 'utf8'),
  );
  using workspace = new Workspace();
  for (const { text } of fences) {
    const [, name] = /^# (?:example: )?(\S+\.yaml)\n/.exec(text) ?? [];
    if (name !== undefined) workspace.write(name, text);
  }
  await using api = await startApi(new FakeConfiguration());
  const admin = `http://127.0.0.1:${api.port}`;
  const lines = fences
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => line.startsWith('portcullis '))
    .map((line) => line.replace('http://127.0.0.1:9900', admin));
  assert.ok(lines.length > 20, `${lines.length} commands`);
  let out = '';
  let apis = '';
  for (const line of lines) {
    out = '';
    let err = '';
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    const code = await main(words.slice(1), {
      out: (text) => void (out += text),
      err: (text) => void (err += text),
      cwd: workspace.directory,
      env: { PORTCULLIS_ADMIN: admin, PORTCULLIS_CONTEXTS: workspace.path('contexts.json') },
      terminal: false,
      errTerminal: false,
      color: false,
      secret: async () => undefined,
    });
    assert.equal(code, 0, `${line}\n${out}${err}`);
    if (line === 'portcullis get apis') apis = out;
  }
  const shown = fences.find(({ text }) => text.startsWith('NAME '))?.text ?? '';
  const withoutTimes = (text: string) => text.replaceAll(/\d{4}-\d\d-\d\dT\S+/g, '…').trim();
  assert.equal(withoutTimes(apis), withoutTimes(shown));
});
