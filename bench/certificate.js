// Writes cert.pem and key.pem (ECDSA P-256, a day) into the directory given. JavaScript and a process of its own, because its library
// is installed for the benchmark alone.
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PemConverter, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';

const directory = process.argv[2];
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const certificate = await X509CertificateGenerator.createSelfSigned({
  name: 'CN=localhost',
  keys,
  signingAlgorithm: algorithm,
  notBefore: new Date(Date.now() - 3_600_000),
  notAfter: new Date(Date.now() + 86_400_000),
  extensions: [
    new SubjectAlternativeNameExtension([
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '127.0.0.1' },
    ]),
  ],
});
writeFileSync(join(directory, 'cert.pem'), certificate.toString('pem'));
const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
writeFileSync(join(directory, 'key.pem'), PemConverter.encode(key, 'PRIVATE KEY'), { mode: 0o600 });
