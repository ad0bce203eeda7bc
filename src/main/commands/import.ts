import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { formatErrors } from '../../control/config/format.ts';
import { MAX_DOCUMENT_BYTES } from '../../control/import/document.ts';
import { IMPORT_KINDS, type ImportKind, importDocument } from '../../control/import/import-document.ts';
import { reportText } from '../../control/import/report.ts';
import { messageOf } from '../../lib/message-of.ts';
import { readText } from '../../lib/read-text.ts';
import { type Command, EXIT, type Given } from '../command-line.ts';

/** Beside those of every command: a configuration was made, and something of the document is not in it. */
export const IMPORT_EXIT = { lost: 3 } as const;

const REPORTS = ['text', 'json'] as const;

export const importCommand: Command = {
  name: 'import',
  summary: 'Make a configuration of an OpenAPI document, of Kong’s or of Renku’s',
  details: [
    'Prints the configuration, or writes it with -o, and reports on stderr what could not be carried over, with its place and what to do.',
    'What protected a route and could not be carried over leaves it closed to everybody. Exit code 0: all was; 3: something was not.',
  ].join('\n'),
  arguments: [
    {
      name: 'kind',
      required: true,
      description: `${IMPORT_KINDS.join(', ')}; may be left out where the document tells`,
    },
    { name: 'file', description: 'Document, in YAML or JSON' },
  ],
  flags: {
    output: {
      short: 'o',
      value: 'file',
      description: 'Write the configuration to this file, which must not exist',
    },
    name: { value: 'name', description: 'OpenAPI: what the API is called; default: its title' },
    routes: { description: 'OpenAPI: plain routes instead of an API that refers to the document' },
    set: {
      value: 'name=value',
      repeatable: true,
      description: 'Renku: what a variable of the document stands for',
    },
    secrets: {
      value: 'dir',
      description: 'Write secrets of the document to files there, readable for you alone',
    },
    report: { value: 'form', description: 'text or json; default: text' },
  },
  examples: [
    'portcullis import openapi shop.yaml -o portcullis.yaml',
    'portcullis import kong kong.yaml --secrets secrets -o portcullis.yaml',
    'portcullis import renku endpoints.json --set GITLAB_URL=https://gitlab.example.com',
  ],
  async run(given, io) {
    const asked = questionOf(given);
    if (typeof asked === 'string') {
      io.err(`portcullis import: ${asked}\n`);
      return EXIT.usage;
    }
    const file = resolve(io.cwd, asked.file);
    const read = await readText(file, MAX_DOCUMENT_BYTES);
    if (!read.ok) {
      io.err(`portcullis import: ${asked.file} ${read.reason}\n`);
      return EXIT.failed;
    }
    const output = resolve(io.cwd, given.value('output') ?? 'portcullis.yaml');
    const result = await importDocument({
      kind: asked.kind,
      file,
      text: read.text,
      output,
      reference: relative(dirname(output), file),
      name: given.value('name'),
      routes: given.has('routes'),
      variables: asked.variables,
    });
    if (!result.ok) {
      io.err(`${formatErrors(result.errors, { color: io.errTerminal && io.color, cwd: io.cwd })}\n`);
      return EXIT.failed;
    }
    const secrets = given.value('secrets');
    const known = result.secrets.filter(({ value }) => value !== undefined);
    try {
      const yaml =
        secrets === undefined
          ? result.yaml
          : inFiles(
              result.yaml,
              known.map(({ name }) => name),
              relative(dirname(output), resolve(io.cwd, secrets)),
            );
      if (secrets !== undefined) await writeSecrets(resolve(io.cwd, secrets), known);
      if (given.has('output')) await writeFile(output, yaml, { flag: 'wx' });
      else io.out(yaml);
    } catch (error) {
      io.err(`portcullis import: ${messageOf(error)}\n`);
      return EXIT.failed;
    }
    const unset = result.secrets.filter(({ value }) => secrets === undefined || value === undefined);
    const variables = unset.map(({ name }) => name);
    io.err(
      given.value('report') === 'json'
        ? `${JSON.stringify({ kind: result.kind, findings: result.findings, variables }, null, 2)}\n`
        : reportText(result.findings, variables, io.cwd),
    );
    return result.findings.some(({ kind }) => kind === 'lost') ? IMPORT_EXIT.lost : EXIT.ok;
  },
};

interface Asked {
  readonly kind: ImportKind | undefined;
  readonly file: string;
  readonly variables: ReadonlyMap<string, string>;
}

function questionOf(given: Given): Asked | string {
  const [first = '', second] = given.args;
  const kind = IMPORT_KINDS.find((each) => each === first);
  if (second !== undefined && kind === undefined)
    return `${JSON.stringify(first)} is not a kind: ${IMPORT_KINDS.join(', ')}`;
  if (second === undefined && kind !== undefined) return '<file> is missing';
  const report = given.value('report');
  if (report !== undefined && !REPORTS.some((each) => each === report))
    return `${JSON.stringify(report)} is not a form of report: ${REPORTS.join(', ')}`;
  const variables = new Map<string, string>();
  for (const text of given.values('set')) {
    const equals = text.indexOf('=');
    if (equals < 1) return `${JSON.stringify(text)} sets nothing: write NAME=value`;
    variables.set(text.slice(0, equals), text.slice(equals + 1));
  }
  return { kind, file: second ?? first, variables };
}

/** The configuration with `file:` in place of `env:`. */
function inFiles(yaml: string, names: readonly string[], directory: string): string {
  const kept = new Set(names);
  return yaml.replaceAll(/(?<=: )env:([A-Z0-9_]+)$/gm, (text, name: string) =>
    kept.has(name) ? `file:${directory}/${name}` : text,
  );
}

async function writeSecrets(
  directory: string,
  secrets: readonly { readonly name: string; readonly value: string | undefined }[],
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const { name, value } of secrets)
    await writeFile(resolve(directory, name), value ?? '', { flag: 'wx', mode: 0o600 });
}
