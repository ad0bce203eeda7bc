import { EXIT } from '../command-line.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { dataText, OUTPUT_FLAG } from '../remote/output.ts';

export const exportCommand = remoteCommand({
  name: 'export',
  summary: 'Print what a running gateway has as a configuration, without secrets unless they are asked for',
  arguments: [],
  flags: {
    organization: { value: 'name', description: 'What belongs to this organization alone' },
    output: { ...OUTPUT_FLAG, description: 'yaml (default) or json' },
    'with-secrets': {
      description:
        'With the secrets themselves, for another gateway: for owners everywhere, and written down',
    },
  },
  examples: ['portcullis export > gateway.yaml', 'portcullis export --organization acme > acme.yaml'],
  async run(given, io, client) {
    const form = given.value('output') ?? 'yaml';
    if (form !== 'yaml' && form !== 'json')
      throw new UsageError(`--output is yaml or json, not ${JSON.stringify(form)}`);
    // Left out otherwise: a gateway that does not know of it would refuse it.
    const query = {
      organization: given.value('organization'),
      'with-secrets': given.has('with-secrets') || undefined,
    };
    io.out(dataText((await client.call('GET', '/v1/export', { query })).body, form));
    return EXIT.ok;
  },
});
