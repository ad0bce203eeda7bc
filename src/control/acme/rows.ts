import type { Kysely, Transaction } from 'kysely';
import type { StoreDatabase } from '../store/database.ts';
import type { Sealer } from '../store/sealer.ts';
import type { AccountRecord, CertificateRecord } from './storage.ts';
import type { AccountRow, AcmeTables, CertificateRow } from './tables.ts';

/** Encrypts with the first key what was encrypted with another one; gives how many keys that were. */
export async function resealAcme(transaction: Transaction<unknown>, sealer: Sealer): Promise<number> {
  const queries = typed(transaction);
  const accounts = await queries.selectFrom('acme_accounts').selectAll().execute();
  const certificates = await queries.selectFrom('acme_certificates').selectAll().execute();
  const oldAccounts = accounts.filter(({ secrets }) => sealer.isOutdated(secrets));
  const oldCertificates = certificates.filter(({ secrets }) => sealer.isOutdated(secrets));
  for (const row of oldAccounts)
    await queries
      .updateTable('acme_accounts')
      .set(accountRow(accountFrom(row, sealer), sealer))
      .where('id', '=', row.id)
      .execute();
  for (const row of oldCertificates)
    await queries
      .updateTable('acme_certificates')
      .set(certificateRow(certificateFrom(row, sealer), sealer))
      .where('name', '=', row.name)
      .execute();
  return oldAccounts.length + oldCertificates.length;
}

/** An account as it is kept: its key encrypted. */
export function accountRow({ id, url, key }: AccountRecord, sealer: Sealer): AccountRow {
  return { id, url, ...sealer.close('certificates', sealedAs('account', id), { key }) };
}

/** Throws StoreRefused where its key cannot be decrypted. */
export function accountFrom({ id, url, ...sealed }: AccountRow, sealer: Sealer): AccountRecord {
  const { key } = sealer.open('certificates', sealedAs('account', id), sealed);
  return { id, url, key: String(key) };
}

/** A certificate as it is kept: its key encrypted. */
export function certificateRow(
  { name, ordered, cert, key, issuedAtMs, renewAtMs }: CertificateRecord,
  sealer: Sealer,
): CertificateRow {
  const sealed = sealer.close('certificates', sealedAs('certificate', name), { cert, key });
  return { name, ordered, ...sealed, issued_at_ms: issuedAtMs, renew_at_ms: renewAtMs };
}

/** By name. Throws StoreRefused where a key cannot be decrypted. */
export function certificatesFrom(
  rows: readonly CertificateRow[],
  sealer: Sealer,
): Map<string, CertificateRecord> {
  return new Map(rows.map((row) => [row.name, certificateFrom(row, sealer)]));
}

function certificateFrom(
  { name, ordered, value, secrets, issued_at_ms, renew_at_ms }: CertificateRow,
  sealer: Sealer,
): CertificateRecord {
  const { cert, key } = sealer.open('certificates', sealedAs('certificate', name), { value, secrets });
  return {
    name,
    ordered,
    cert: String(cert),
    key: String(key),
    issuedAtMs: issued_at_ms,
    renewAtMs: renew_at_ms,
  };
}

/** No entity is called so: a box of one is none of the other. */
function sealedAs(kind: 'account' | 'certificate', name: string): string {
  return `acme/${kind}/${name}`;
}

/** The store's tables and these are in one database. */
export function typed(queries: StoreDatabase['queries'] | Transaction<unknown>): Kysely<AcmeTables> {
  return queries as unknown as Kysely<AcmeTables>;
}
