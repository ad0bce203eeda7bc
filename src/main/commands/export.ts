import { EXIT } from '../command-line.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { dataText, OUTPUT_FLAG } from '../remote/output.ts';

export const exportCommand = remoteCommand({
  name: 'export',
  summary: 'Print what a running gateway has as a configuration, without secrets unless they are asked for',
  arguments: [],
  flags: {
    output: { ...OUTPUT_FLAG, description: 'yaml (default) or json' },
    'with-secrets': {
      description:
        'With the secrets themselves, for another gateway: for owners everywhere, and written down',
    },
  },
  examples: ['portcullis export > gateway.yaml'],
  async run(given, io, client) {
    const form = given.value('output') ?? 'yaml';
    if (form !== 'yaml' && form !== 'json')
      throw new UsageError(`--output is yaml or json, not ${JSON.stringify(form)}`);
    // Left out otherwise: a gateway that does not know of it would refuse it.
    const query = given.has('with-secrets') ? { 'with-secrets': true } : {};
    io.out(dataText((await client.call('GET', '/v1/export', { query })).body, form));
    return EXIT.ok;
  },
});
