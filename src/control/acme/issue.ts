import { AccountKey } from './account-key.ts';
import { type Account, AcmeClient } from './client.ts';
import { type Challenge, type OrderContext, orderCertificate } from './order.ts';
import { AcmeProblem } from './problem.ts';
import { renewalId } from './renewal-info.ts';
import type { AcmeSettings } from './schema.ts';
import type { AcmeStorage } from './storage.ts';
import { AcmeTransport } from './transport.ts';

export interface IssueContext extends Pick<OrderContext, 'timers' | 'nowMs'> {
  readonly storage: Pick<AcmeStorage, 'account' | 'saveAccount'>;
  readonly userAgent: string;
  readonly publish: (challenges: readonly Challenge[]) => Promise<void>;
  /** PEM of the certificate that it comes in the place of, of the same authority. */
  readonly replaces: string | undefined;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

/** A server that takes longer has others wait, whose certificates it is not asked for. */
const LONGEST_MS = 15 * 60_000;

/** Address of an account whose key is there, and that the server was perhaps not asked for yet. */
const NOT_REGISTERED = '';

/** Has a certificate issued, with the account that is there or a new one. Rejects with an AcmeProblem, or with what the storage says. */
export async function issueCertificate(
  settings: AcmeSettings,
  context: IssueContext,
): Promise<{ readonly cert: string; readonly key: string }> {
  const transport = new AcmeTransport(settings.ca, context.userAgent);
  const close = (): void => transport.close();
  const late = new AbortController();
  const cancel = context.timers.after(LONGEST_MS, () => late.abort());
  const signal = AbortSignal.any([context.signal, late.signal]);
  signal.addEventListener('abort', close);
  try {
    const client = new AcmeClient(settings.directory, transport);
    const account = await accountFor(client, settings, context.storage);
    const { hosts, challenge, keyType } = settings;
    const request = {
      hosts,
      challenge,
      replaces: context.replaces === undefined ? undefined : renewalId(context.replaces),
      publish: context.publish,
      makeRequest: async () => (await import('./certificate-maker.ts')).makeRequest(hosts, keyType),
    };
    const { timers, nowMs } = context;
    return await orderCertificate(request, { client, account, timers, nowMs, signal });
  } catch (error) {
    if (!late.signal.aborted) throw error;
    throw new AcmeProblem('tooSlow', `the ACME server was not done within ${LONGEST_MS / 60_000} minutes`);
  } finally {
    cancel();
    signal.removeEventListener('abort', close);
    transport.close();
  }
}

async function accountFor(
  client: AcmeClient,
  { directory, email, externalAccount }: AcmeSettings,
  storage: IssueContext['storage'],
): Promise<Account> {
  const id = [directory, email ?? '', externalAccount?.keyId ?? ''].join(' ');
  const known = await storage.account(id);
  const knownKey = known && (await AccountKey.read(known.key));
  if (known !== undefined && knownKey !== undefined && known.url !== NOT_REGISTERED) {
    const account = { key: knownKey, url: known.url };
    if (await isValid(client, account)) return account;
  }
  const isBegun = knownKey !== undefined && known?.url === NOT_REGISTERED;
  const key = isBegun ? knownKey : await AccountKey.make();
  // The server knows an account by its key: whoever dies before its address is written down comes to the same one again.
  if (!isBegun) await storage.saveAccount({ id, key: key.pem, url: NOT_REGISTERED });
  const url = await client.register({ key, email, externalAccount });
  await storage.saveAccount({ id, key: key.pem, url });
  return { key, url };
}

/** Whether the server still knows it: accounts can be deactivated and revoked (RFC 8555 section 7.1.6). */
async function isValid(client: AcmeClient, account: Account): Promise<boolean> {
  try {
    return (await client.get(account, account.url)).value['status'] === 'valid';
  } catch (error) {
    if (error instanceof AcmeProblem && ['accountDoesNotExist', 'unauthorized'].includes(error.type))
      return false;
    throw error;
  }
}
