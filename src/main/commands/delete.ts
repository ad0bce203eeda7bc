import { deleteAccount, refuseAccountFlags, SERVICE_ACCOUNT_FLAG } from '../remote/accounts.ts';
import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand } from '../remote/connect.ts';
import { CREDENTIAL_KIND, deleteCredential } from '../remote/credentials.ts';
import { accountKindNamed, collectionNamed, singular } from '../remote/kinds.ts';
import { changeQuery, reportChange } from '../remote/report-change.ts';

export const deleteCommand = remoteCommand({
  name: 'delete',
  summary: 'Delete something of a running gateway',
  details: 'What else still needs it is told, and then nothing is deleted.',
  arguments: [
    {
      name: 'kind',
      required: true,
      description:
        'api, service, route, consumer and so on; credential, user, service-account, membership, token',
    },
    {
      name: 'name',
      required: true,
      description: 'Its name; of a token its id, of a membership acme/alice, of a credential alice/phone',
    },
  ],
  flags: { 'service-account': SERVICE_ACCOUNT_FLAG, ...CHANGE_FLAGS },
  examples: ['portcullis delete api hello', 'portcullis delete service users --dry-run'],
  async run(given, io, client) {
    const [kind = '', name = ''] = given.args;
    const account = accountKindNamed(kind);
    if (account !== undefined) return deleteAccount(account, name, given, io, client);
    refuseAccountFlags(given);
    if (kind === CREDENTIAL_KIND) return deleteCredential(name, given, io, client);
    const collection = collectionNamed(kind);
    const reply = await client.call('DELETE', `/v1/${collection}/${encodeURIComponent(name)}`, {
      query: changeQuery(given),
    });
    return reportChange(reply, `${singular(collection)} ${name} deleted`, given, io);
  },
});
