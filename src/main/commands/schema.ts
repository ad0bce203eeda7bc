import { configJsonSchema } from '../../control/config/json-schema.ts';
import { type Command, EXIT } from '../command-line.ts';

export const schemaCommand: Command = {
  name: 'schema',
  summary: 'Print the JSON Schema of the configuration, for editors',
  arguments: [],
  flags: {},
  examples: ['portcullis schema > portcullis.schema.json'],
  async run(_given, io) {
    io.out(`${JSON.stringify(await configJsonSchema(), null, 2)}\n`);
    return EXIT.ok;
  },
};
