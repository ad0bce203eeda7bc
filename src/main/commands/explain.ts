import { formatErrors } from '../../control/config/format.ts';
import { loadConfig } from '../../control/config/load.ts';
import { explainRequest, type RequestExplanation } from '../../control/explain/explain-request.ts';
import type { Question } from '../../control/explain/question.ts';
import { explanationText } from '../../control/explain/text.ts';
import { messageOf } from '../../lib/message-of.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { STORE_FLAG, storedFor } from '../store-flag.ts';

/** How long a running gateway may take to answer. */
const ADMIN_TIMEOUT_MS = 10_000;

export const explainCommand: Command = {
  name: 'explain',
  summary: 'Say which route a request takes, why every other loses, and what happens to it',
  details: [
    'Reads the configuration file, or asks a running gateway with --admin. Nothing is sent to any service.',
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
    admin: {
      value: 'url',
      description: 'Ask the running gateway with this admin address, such as http://127.0.0.1:9900',
    },
    json: { description: 'Print one JSON object' },
  },
  examples: [
    "portcullis explain 'GET https://api.example.com/users/7'",
    "portcullis explain 'POST /orders' -H 'content-type: application/json' -c portcullis.yaml",
    'portcullis explain /users/7 --admin http://127.0.0.1:9900',
  ],
  async run(given, io) {
    const question = questionOf(given);
    if (typeof question === 'string') {
      io.err(`portcullis explain: ${question}\n`);
      return EXIT.usage;
    }
    if (given.has('admin') && given.has('config')) {
      io.err('portcullis explain: --admin asks a running gateway, --config reads a file: give one of them\n');
      return EXIT.usage;
    }
    if (given.has('admin') && given.has('store')) {
      io.err('portcullis explain: --store reads the store, a running gateway knows it: give one of them\n');
      return EXIT.usage;
    }
    const admin = given.value('admin');
    const answer =
      admin === undefined ? await fromFile(given, question, io) : await fromGateway(admin, question);
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
  },
};

function questionOf(given: Given): Question | string {
  const words = (given.args[0] ?? '').trim().split(/\s+/);
  if (words.length > 2) return "the request is one argument, such as 'GET https://host/path'";
  const [method, url] = words.length === 2 ? words : ['GET', words[0]];
  const headers: [string, string][] = [];
  for (const line of given.values('header')) {
    const colon = line.indexOf(':');
    if (colon < 1) return `${JSON.stringify(line)} is not a header: write 'name: value'`;
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
  const result = await explainRequest(loaded.config, question);
  return result.ok ? result.explanation : result.message;
}

async function fromGateway(admin: string, question: Question): Promise<RequestExplanation | string> {
  if (!/^https?:\/\//.test(admin) || !URL.canParse(admin))
    return `${JSON.stringify(admin)} is not an address: write http://127.0.0.1:9900`;
  try {
    const response = await fetch(new URL('/explain', admin), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question),
      redirect: 'error',
      signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
    });
    const body: unknown = await response.json();
    if (response.ok) return body as RequestExplanation;
    const title = typeof body === 'object' && body !== null && 'title' in body ? String(body.title) : '';
    return `the gateway answered ${response.status}: ${title}`;
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `no answer from ${admin}: ${messageOf(cause)}`;
  }
}
