import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand } from '../remote/connect.ts';
import { collectionNamed, singular } from '../remote/kinds.ts';
import { changeQuery, reportChange } from '../remote/report-change.ts';

export const deleteCommand = remoteCommand({
  name: 'delete',
  summary: 'Delete something of a running gateway',
  details: 'What else still needs it is told, and then nothing is deleted.',
  arguments: [
    { name: 'kind', required: true, description: 'api, service, route, consumer and so on' },
    { name: 'name', required: true, description: 'Its name' },
  ],
  flags: { ...CHANGE_FLAGS },
  examples: ['portcullis delete api hello', 'portcullis delete service users --dry-run'],
  async run(given, io, client) {
    const [kind = '', name = ''] = given.args;
    const collection = collectionNamed(kind);
    const reply = await client.call('DELETE', `/v1/${collection}/${encodeURIComponent(name)}`, {
      query: changeQuery(given),
    });
    return reportChange(reply, `${singular(collection)} ${name} deleted`, given, io);
  },
});
