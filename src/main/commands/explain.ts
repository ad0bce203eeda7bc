import { formatErrors } from '../../control/config/format.ts';
import { loadConfig } from '../../control/config/load.ts';
import { explainRequest, type RequestExplanation } from '../../control/explain/explain-request.ts';
import type { Question } from '../../control/explain/question.ts';
import { explanationText } from '../../control/explain/text.ts';
import { isRecord } from '../../lib/is-record.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { AdminFailure } from '../remote/admin-client.ts';
import { connect, namesGateway, REMOTE_FLAGS, reporting, UsageError } from '../remote/connect.ts';
import { STORE_FLAG, storedFor, tellUnread } from '../store-flag.ts';

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Say which route a request takes, why every other loses, and what happens to it',
  details: [
    'Reads the configuration file, or asks a running gateway, with --context or --admin. Nothing is sent to any service.',
    'Exit code 0: a route was found; 1: none was, or the request is one that the gateway refuses.',
  ].join('\n'),
  arguments: [
    {
      name: 'request',
      required: true,
      description: "Such as 'GET https://host/path'; GET where no method is given",
    },
  ],
  flags: {
    header: { short: 'H', value: 'name: value', repeatable: true, description: 'A header of the request' },
    config: CONFIG_FLAG,
    store: STORE_FLAG,
    json: { description: 'Print one JSON object' },
    ...REMOTE_FLAGS,
  },
  examples: [
    "portcullis explain 'GET https://api.example.com/users/7'",
    "portcullis explain 'POST /orders' -H 'content-type: application/json' -c portcullis.yaml",
    'portcullis explain /users/7 --context production',
    'portcullis explain /users/7 --admin http://127.0.0.1:9900',
  ],
  run: (given, io) => reporting('explain', io, () => explain(given, io)),
};

async function explain(given: Given, io: Io): Promise<number> {
  const question = questionOf(given);
  const asksGateway = namesGateway(given);
  if (asksGateway && given.has('config'))
    throw new UsageError(
      '--config reads a file, --context and --admin ask a running gateway: give one of them',
    );
  if (asksGateway && given.has('store'))
    throw new UsageError('--store reads the store, a running gateway knows it: give one of them');
  const answer = asksGateway ? await fromGateway(given, question, io) : await fromFile(given, question, io);
  if (typeof answer === 'string') {
    io.err(`portcullis explain: ${answer}\n`);
    return EXIT.failed;
  }
  io.out(
    given.has('json')
      ? `${JSON.stringify(answer, null, 2)}\n`
      : explanationText(answer, { cwd: io.cwd, color: io.terminal && io.color }),
  );
  return answer.route === undefined ? EXIT.failed : EXIT.ok;
}

function questionOf(given: Given): Question {
  const words = (given.args[0] ?? '').trim().split(/\s+/);
  if (words.length > 2) throw new UsageError("the request is one argument, such as 'GET https://host/path'");
  const [method, url] = words.length === 2 ? words : ['GET', words[0]];
  const headers: [string, string][] = [];
  for (const line of given.values('header')) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new UsageError(`${JSON.stringify(line)} is not a header: write 'name: value'`);
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return { method: method ?? '', url: url ?? '', headers };
}

/** Resolves with the explanation, or with what went wrong. */
async function fromFile(given: Given, question: Question, io: Io): Promise<RequestExplanation | string> {
  const found = findConfigFile(given.value('config'), io);
  if (!found.ok) return found.message;
  const loaded = await loadConfig(found.file, { env: io.env, stored: storedFor(given) });
  if (!loaded.ok)
    return `the configuration has errors\n${formatErrors(loaded.errors, { color: io.errTerminal && io.color, cwd: io.cwd })}`;
  tellUnread(given, loaded.config.store, io);
  const result = await explainRequest(loaded.config, question);
  return result.ok ? result.explanation : result.message;
}

async function fromGateway(given: Given, question: Question, io: Io): Promise<RequestExplanation> {
  const client = await connect(given, io);
  const { body } = await client.call('POST', '/explain', { body: question });
  if (!isRecord(body) || !Array.isArray(body['others']))
    throw new AdminFailure('the gateway answered something else than an explanation: is it another version?');
  return body as unknown as RequestExplanation;
}
