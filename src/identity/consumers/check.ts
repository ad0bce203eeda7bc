import { nearest } from '../../lib/nearest.ts';
import { isSecretReference } from '../../lib/secret-reference.ts';
import { HAS_ARGON2ID } from '../passwords/password-hash.ts';
import { parsePhc } from '../passwords/phc.ts';
import { storedDigest } from './api-keys.ts';
import { canonicalFingerprint, canonicalName, canonicalSan, canonicalSerial } from './certificate-names.ts';
import type { ApiKeyConfig, CertificateConfig, ConsumerConfig, SignatureKeyConfig } from './schema.ts';
import { readSignatureKey } from './signature-keys.ts';

/** Something wrong with consumers. No message holds a credential. */
export interface ConsumerProblem {
  /** Within `consumers`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly suggestion?: string | undefined;
  readonly severity?: 'warning';
}

/** A key that is shorter may be guessed, since it is stored as a fast hash. */
const SHORT_KEY = 16;

/** What is wrong with consumers whose secrets are resolved; a reference that leads nowhere is told of elsewhere, and skipped. */
export function checkConsumers(
  consumers: Readonly<Record<string, ConsumerConfig>>,
  providers: ReadonlySet<string>,
  nowMs: number,
): ConsumerProblem[] {
  const check = new ConsumersCheck(providers, nowMs);
  for (const [name, consumer] of Object.entries(consumers)) check.consumer(name, consumer);
  return check.problems;
}

type Path = ConsumerProblem['path'];

interface Owner {
  readonly name: string;
  readonly organization: string | undefined;
}

class ConsumersCheck {
  readonly problems: ConsumerProblem[] = [];
  readonly #providers: ReadonlySet<string>;
  readonly #nowMs: number;
  /** Who has what, by kind and value: on no route may anything tell of two consumers. */
  readonly #owners = new Map<string, Owner[]>();
  /** Whose is looked at. */
  #organization: string | undefined;

  constructor(providers: ReadonlySet<string>, nowMs: number) {
    this.#providers = providers;
    this.#nowMs = nowMs;
  }

  consumer(
    name: string,
    { organization, basic, apiKeys, certificates, signatureKeys, subjects }: ConsumerConfig,
  ): void {
    this.#organization = organization;
    if (basic !== undefined) this.#basic(name, basic);
    apiKeys.forEach((key, index) => this.#apiKey(name, key, [name, 'apiKeys', index]));
    this.#expiries(apiKeys, [name, 'apiKeys']);
    certificates.forEach((entry, index) => this.#certificate(name, entry, [name, 'certificates', index]));
    signatureKeys.forEach((key, index) => this.#signatureKey(name, key, [name, 'signatureKeys', index]));
    this.#expiries(signatureKeys, [name, 'signatureKeys']);
    subjects.forEach(({ provider, subject }, index) => {
      const path = [name, 'subjects', index];
      if (!this.#providers.has(provider)) this.#noProvider(provider, [...path, 'provider']);
      this.#own(name, `subject ${JSON.stringify([provider, subject])}`, 'subject', [...path, 'subject']);
    });
  }

  #basic(name: string, { username = name, password, hash }: NonNullable<ConsumerConfig['basic']>): void {
    const path = [name, 'basic'];
    if ((password === undefined) === (hash === undefined)) this.#tell(path, 'needs either password or hash');
    else if (hash !== undefined && !isSecretReference(hash)) {
      const parsed = parsePhc(hash);
      if (typeof parsed === 'string') this.#tell([...path, 'hash'], parsed);
      else if (parsed.kind === 'argon2id' && !HAS_ARGON2ID)
        this.#tell([...path, 'hash'], 'is of argon2id, which Node has since 24.7: update it, or use scrypt');
    }
    // RFC 7617 section 2: the first colon ends the user name.
    if (username.includes(':')) this.#tell([...path, 'username'], 'cannot hold a colon');
    this.#own(name, `user ${username}`, 'user name', [...path, 'username']);
  }

  #apiKey(name: string, key: ApiKeyConfig, path: Path): void {
    if ((key.key === undefined) === (key.hash === undefined))
      return this.#tell(path, 'needs either key or hash');
    const at = [...path, key.key === undefined ? 'hash' : 'key'];
    if (isSecretReference(key.key ?? key.hash ?? '')) return;
    const digest = storedDigest(key);
    if (digest === undefined)
      return this.#tell(
        at,
        'is not sha256: and 43 characters of base64url, as `portcullis hash --api-key` prints it',
      );
    if (key.key !== undefined && key.key.length < SHORT_KEY)
      this.#tell(at, `is shorter than ${SHORT_KEY} characters, so that it may be guessed`, 'warning');
    this.#own(name, `key ${digest}`, 'API key', at);
  }

  #certificate(
    name: string,
    { fingerprint, subject, san, issuer, serial }: CertificateConfig,
    path: Path,
  ): void {
    const ways = [fingerprint, subject, san, issuer ?? serial].filter((way) => way !== undefined);
    if (ways.length !== 1)
      return this.#tell(path, 'needs one of fingerprint, subject, san, or issuer and serial');
    if ((issuer === undefined) !== (serial === undefined))
      return this.#tell(
        path,
        `needs ${issuer === undefined ? 'issuer' : 'serial'} too: both together name a certificate`,
      );
    const NAME = 'is not a name as RFC 4514 writes it: CN=alice,O=Example';
    this.#named(
      name,
      path,
      'fingerprint',
      fingerprint,
      canonicalFingerprint,
      'is not sha256: and 64 hex digits',
    );
    this.#named(name, path, 'subject', subject, canonicalName, NAME);
    this.#named(name, path, 'san', san, canonicalSan, 'is not DNS:, URI:, email: or IP: and a name');
    if (issuer === undefined || serial === undefined) return;
    const number = canonicalSerial(serial);
    if (canonicalName(issuer) === undefined) this.#tell([...path, 'issuer'], NAME);
    else if (number === undefined) this.#tell([...path, 'serial'], 'is not a number in hex digits');
    else this.#own(name, `serial ${number} ${canonicalName(issuer)}`, 'certificate', [...path, 'serial']);
  }

  #named(
    name: string,
    path: Path,
    member: keyof CertificateConfig,
    value: string | undefined,
    canonical: (text: string) => string | undefined,
    problem: string,
  ): void {
    if (value === undefined || isSecretReference(value)) return;
    const known = canonical(value);
    if (known === undefined) this.#tell([...path, member], problem);
    else this.#own(name, `${member} ${known}`, member, [...path, member]);
  }

  #signatureKey(name: string, key: SignatureKeyConfig, path: Path): void {
    this.#own(name, `signature ${key.id}`, 'signature key', [...path, 'id']);
    if (isSecretReference(key.secret ?? key.publicKey ?? '')) return;
    const read = readSignatureKey(key);
    if ('problem' in read) this.#tell([...path, read.at], read.problem);
  }

  /** One that is over may stand there for the record; where all are, nobody can call with them. */
  #expiries(keys: readonly { readonly expires?: string | undefined }[], path: Path): void {
    const isOver = ({ expires }: { readonly expires?: string | undefined }) =>
      expires !== undefined && Date.parse(expires) <= this.#nowMs;
    if (keys.length > 0 && keys.every(isOver))
      this.#tell(path, 'has no key that is not over: nobody can call with them', 'warning');
  }

  #own(name: string, key: string, what: string, path: Path): void {
    const organization = this.#organization;
    const owners = this.#owners.get(key);
    if (owners === undefined) {
      this.#owners.set(key, [{ name, organization }]);
      return;
    }
    const other = owners.find((owner) => meet(owner.organization, organization));
    if (other === undefined) owners.push({ name, organization });
    else
      this.#tell(
        path,
        other.name === name
          ? `this ${what} stands here twice`
          : `the consumer ${other.name} has this ${what} already`,
      );
  }

  #noProvider(provider: string, path: Path): void {
    this.problems.push({
      path,
      message: `there is no provider ${JSON.stringify(provider)}`,
      suggestion: nearest(provider, this.#providers),
    });
  }

  #tell(path: Path, message: string, severity?: 'warning'): void {
    this.problems.push({ path, message, ...(severity === undefined ? {} : { severity }) });
  }
}

/** Whether consumers of both are known on some route: a shared one on all of them. */
function meet(a: string | undefined, b: string | undefined): boolean {
  return a === b || a === undefined || b === undefined;
}
