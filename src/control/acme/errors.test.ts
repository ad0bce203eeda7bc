import { describe } from 'node:test';
import { checkErrors } from '../config/errors.support.ts';

describe('Certificates by ACME in a configuration', () => {
  checkErrors([
    {
      title: 'have hosts, none of them a wildcard, an address or twice there, and terms that are agreed to',
      files: {
        'portcullis.yaml': `listeners: { web: { port: 80 } }
certificates:
  a: { acme: { hosts: ['*.shop.example'], termsAgreed: true } }
  b: { acme: { hosts: [192.0.2.1], termsAgreed: true } }
  c: { acme: { hosts: [Shop.example], termsAgreed: true } }
  d: { acme: { hosts: [a.example, a.example], termsAgreed: true } }
  e: { acme: { hosts: [a.example], termsAgreed: false } }
  f: { acme: { hosts: [a.example] } }
  g: { acme: { hosts: [a.example], termsAgreed: true, directory: 'http://acme.example/dir' } }
  h: { acme: { hosts: [a.example], termsAgreed: true, email: ops, challenge: dns-01 } }
`,
      },
      errors: `portcullis.yaml:3:24: certificates.a.acme.hosts[0]: is a wildcard, which neither http-01 nor tls-alpn-01 can prove (RFC 8555 section 8): name every host
   3 |   a: { acme: { hosts: ['*.shop.example'], termsAgreed: true } }
     |                        ^^^^^^^^^^^^^^^^
portcullis.yaml:4:24: certificates.b.acme.hosts[0]: is an address: certificates are ordered for host names
   4 |   b: { acme: { hosts: [192.0.2.1], termsAgreed: true } }
     |                        ^^^^^^^^^
portcullis.yaml:5:24: certificates.c.acme.hosts[0]: is not a host name: write shop.example.com, in small letters
   5 |   c: { acme: { hosts: [Shop.example], termsAgreed: true } }
     |                        ^^^^^^^^^^^^
portcullis.yaml:6:16: certificates.d.acme.hosts: names a host twice
   6 |   d: { acme: { hosts: [a.example, a.example], termsAgreed: true } }
     |                ^^^^^
portcullis.yaml:7:49: certificates.e.acme.termsAgreed: must be true: an authority issues only to those who agree to its terms of service
   7 |   e: { acme: { hosts: [a.example], termsAgreed: false } }
     |                                                 ^^^^^
portcullis.yaml:8:8: certificates.f.acme.termsAgreed: is missing: expected true or false
   8 |   f: { acme: { hosts: [a.example] } }
     |        ^^^^
portcullis.yaml:9:66: certificates.g.acme.directory: is not an address with https://
   9 |   g: { acme: { hosts: [a.example], termsAgreed: true, directory: 'http://acme.example/dir' } }
     |                                                                  ^^^^^^^^^^^^^^^^^^^^^^^^^
portcullis.yaml:10:62: certificates.h.acme.email: is not an address such as ops@example.com
  10 |   h: { acme: { hosts: [a.example], termsAgreed: true, email: ops, challenge: dns-01 } }
     |                                                              ^^^
portcullis.yaml:10:78: certificates.h.acme.challenge: is not http-01 or tls-alpn-01
  10 |   h: { acme: { hosts: [a.example], termsAgreed: true, email: ops, challenge: dns-01 } }
     |                                                                              ^^^^^^
`,
    },
    {
      title: 'go with nothing else, and need a listener that answers challenges',
      files: {
        'portcullis.yaml': `listeners: { web: { port: 443, protocol: https, tls: { certificates: [a] } } }
certificates:
  a: { acme: { hosts: [a.example], termsAgreed: true } }
  b: { acme: { hosts: [a.example], termsAgreed: true, challenge: tls-alpn-01 }, key: file:key.pem }
  c: { key: 'x' }
`,
      },
      errors: `portcullis.yaml:3:8: certificates.a.acme: http-01 is answered by listeners with protocol http, and there is none
   3 |   a: { acme: { hosts: [a.example], termsAgreed: true } }
     |        ^^^^
portcullis.yaml:4:81: certificates.b.key: does not go with acme, by which the certificate is issued
   4 |   b: { acme: { hosts: [a.example], termsAgreed: true, challenge: tls-alpn-01 }, key: file:key.pem }
     |                                                                                 ^^^
portcullis.yaml:4:86: certificates.b.key: the file <dir>/key.pem does not exist
   4 |   b: { acme: { hosts: [a.example], termsAgreed: true, challenge: tls-alpn-01 }, key: file:key.pem }
     |                                                                                      ^^^^^^^^^^^^
portcullis.yaml:5:3: certificates.c.cert: is missing: expected a text
   5 |   c: { key: *** }
     |   ^
portcullis.yaml:5:13: certificates.c.key: is not PEM: write file:path, env:NAME or the PEM text
   5 |   c: { key: *** }
     |             ^^^
`,
    },
    {
      title: 'have secrets that can be read',
      files: {
        'portcullis.yaml': `certificates:
  a:
    acme:
      hosts: [a.example]
      termsAgreed: true
      ca: file:ca.pem
      externalAccount: { keyId: kid-1, hmacKey: not base64url! }
  b:
    acme:
      hosts: [a.example]
      termsAgreed: true
      externalAccount: { keyId: kid-1, hmacKey: env:NONE }
`,
      },
      errors: `portcullis.yaml:6:11: certificates.a.acme.ca: the file <dir>/ca.pem does not exist
   6 |       ca: file:ca.pem
     |           ^^^^^^^^^^^
portcullis.yaml:7:49: certificates.a.acme.externalAccount.hmacKey: is not base64url, in which authorities give such keys
   7 |       externalAccount: { keyId: kid-1, hmacKey: ************** }
     |                                                 ^^^^^^^^^^^^^^
portcullis.yaml:12:49: certificates.b.acme.externalAccount.hmacKey: the environment variable NONE is not set
  12 |       externalAccount: { keyId: kid-1, hmacKey: env:NONE }
     |                                                 ^^^^^^^^
`,
    },
    {
      title: 'are kept in the store, with keys that are encrypted',
      files: {
        'portcullis.yaml': `store: { postgres: { url: 'postgresql://h/d' } }
certificates: { a: { acme: { hosts: [a.example], termsAgreed: true } } }
`,
      },
      errors: `portcullis.yaml:2:22: certificates.a.acme: needs store.key: private keys are encrypted in PostgreSQL
   2 | certificates: { a: { acme: { hosts: [a.example], termsAgreed: true } } }
     |                      ^^^^
`,
    },
    {
      title: 'are kept nowhere without a store',
      files: {
        'portcullis.yaml': `store: { enabled: false }
certificates: { a: { acme: { hosts: [a.example], termsAgreed: true } } }
`,
      },
      errors: `portcullis.yaml:2:22: certificates.a.acme: needs the store, which store.enabled switches off
   2 | certificates: { a: { acme: { hosts: [a.example], termsAgreed: true } } }
     |                      ^^^^
`,
    },
  ]);
});
