// Runs on any Node from 20 on; its children run on the one that fits.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const GATEWAY_PORT = 8080;
const ADMIN_PORT = 9900;
const SERVICES_PORT = 4100;

/** The services, each at the port SERVICES_PORT plus its place here; portcullis.yaml has the same ports. */
const SERVICES = [
  { name: 'orders', file: 'orders.ts', about: 'a JSON REST service that keeps orders' },
  { name: 'hello-1', file: 'hello.ts', about: 'says hello', env: { VERSION: '1' } },
  {
    name: 'hello-2',
    file: 'hello.ts',
    about: 'its next version, for a tenth of the requests',
    env: { VERSION: '2' },
  },
  { name: 'echo', file: 'echo.ts', about: 'a WebSocket that echoes' },
  { name: 'clock', file: 'clock.ts', about: 'Server-Sent Events, one a second' },
  { name: 'slow', file: 'slow.ts', about: 'takes its time' },
  { name: 'failing', file: 'failing.ts', about: 'fails in several ways' },
  { name: 'hello-1b', file: 'hello.ts', about: 'the second target of hello-1', env: { VERSION: '1' } },
  { name: 'identity', file: 'identity.ts', about: 'two identity providers: /company and /forge' },
  {
    name: 'projects',
    file: 'whoami.ts',
    about: 'tells whose token it gets; trusts company',
    issuer: 'company',
    env: { AUDIENCE: 'urn:example:projects' },
  },
  {
    name: 'notebooks',
    file: 'whoami.ts',
    about: 'the same; trusts forge',
    issuer: 'forge',
    env: { AUDIENCE: 'urn:example:notebooks' },
  },
  { name: 'app', file: 'app.ts', about: 'the page that signs in' },
];

/** Place of the identity providers among them. */
const IDENTITY = SERVICES.findIndex(({ name }) => name === 'identity');

const START_LIMIT_MS = 30_000;
/** Longer than the gateway's own limit for a drain, so that it is the gateway that gives up first. */
const GATEWAY_STOP_LIMIT_MS = 40_000;
const SERVICE_STOP_LIMIT_MS = 3000;
const POLL_MS = 50;

/** The gateway with its services, as child processes. `run` resolves with the status to exit with. */
export class Quickstart {
  #node;
  #home;
  #root;
  #print;
  #env;
  #ports;
  #children = [];
  #gateway;
  #stopping;
  #failure;
  #end;
  #ended;
  #copy;

  constructor({ node, root, env, print }) {
    this.#node = node;
    this.#root = root;
    this.#home = join(root, 'examples', 'quickstart');
    this.#print = print;
    this.#env = env;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async run() {
    try {
      this.#ports = readPorts(this.#env);
      await this.#checkPorts();
      if (!this.#stopping) await Promise.all(SERVICES.map((service, at) => this.#startService(service, at)));
      if (!this.#stopping) await this.#startGateway();
      if (!this.#stopping) this.#print(this.#welcome());
    } catch (error) {
      this.#fail(error.message);
    }
    await this.#ended;
    if (this.#copy) rmSync(this.#copy, { recursive: true, force: true });
    if (this.#failure === undefined) return 0;
    console.error(`\n${this.#failure}`);
    return 1;
  }

  /** Stops the gateway, which finishes what it has begun, then the services. Never rejects. */
  stop() {
    this.#stopping ??= this.#stop().then(this.#end);
    return this.#stopping;
  }

  async #stop() {
    if (this.#gateway) {
      if (isRunning(this.#gateway)) this.#print('\nStopping: open requests are finished first.');
      await end(this.#gateway, GATEWAY_STOP_LIMIT_MS);
    }
    await Promise.all(this.#children.map((child) => end(child, SERVICE_STOP_LIMIT_MS)));
    if (this.#failure === undefined) this.#print('Everything is stopped.');
  }

  #fail(text) {
    if (this.#stopping) return;
    this.#failure = text;
    void this.stop();
  }

  #spawn(name, args, env, stdout) {
    const child = spawn(
      this.#node,
      ['--import', pathToFileURL(join(this.#home, 'services', 'leave-with-parent.ts')).href, ...args],
      {
        cwd: this.#root,
        env: { ...process.env, PATH: `${dirname(this.#node)}:${process.env.PATH ?? ''}`, ...env },
        stdio: ['ignore', stdout, 'inherit', 'ipc'],
        // A group of its own: Ctrl-C reaches this process alone, which stops the children in their order.
        detached: process.platform !== 'win32',
      },
    );
    child.on('error', (error) => this.#fail(`${name} could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      this.#fail(
        `${name} (process ${child.pid}) ended by itself, with ${signal ?? `status ${code}`}; everything is stopped.`,
      );
    });
    return child;
  }

  async #startService({ name, file, env, issuer }, at) {
    const { gateway, services } = this.#ports;
    const child = this.#spawn(
      `the service ${name}`,
      [join(this.#home, 'services', file)],
      {
        ...env,
        PORT: String(services + at),
        GATEWAY_PORT: String(gateway),
        ...(issuer && { ISSUER: `http://localhost:${services + IDENTITY}/${issuer}` }),
      },
      'inherit',
    );
    this.#children[at] = child;
    await before(START_LIMIT_MS, `the service ${name} did not start in time`, (resolve) => {
      child.once('message', resolve);
      child.once('exit', resolve);
    });
  }

  async #startGateway() {
    const config = this.#configFile();
    this.#gateway = this.#spawn(
      'the gateway',
      [join(this.#root, 'bin', 'portcullis'), 'serve', '-c', config],
      {},
      'inherit',
    );
    const deadline = Date.now() + START_LIMIT_MS;
    while (!this.#stopping && !(await isReady(this.#ports.admin))) {
      if (Date.now() > deadline) throw new Error('the gateway did not start in time');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** The example's configuration; with other ports, a copy of it. */
  #configFile() {
    const file = join(this.#home, 'portcullis.yaml');
    const { gateway, admin, services } = this.#ports;
    if (gateway === GATEWAY_PORT && admin === ADMIN_PORT && services === SERVICES_PORT) return file;
    let text = readFileSync(file, 'utf8')
      .replaceAll(`port: ${GATEWAY_PORT}`, `port: ${gateway}`)
      .replaceAll(`port: ${ADMIN_PORT}`, `port: ${admin}`)
      .replaceAll('./policies/', `${join(this.#home, 'policies')}/`);
    SERVICES.forEach((_service, at) => {
      for (const host of ['127.0.0.1', 'localhost'])
        text = text.replaceAll(`http://${host}:${SERVICES_PORT + at}`, `http://${host}:${services + at}`);
    });
    this.#copy = mkdtempSync(join(tmpdir(), 'portcullis-quickstart-'));
    const copy = join(this.#copy, 'portcullis.yaml');
    writeFileSync(copy, text);
    return copy;
  }

  async #checkPorts() {
    const { gateway, admin, services } = this.#ports;
    const wanted = [
      { port: gateway, who: 'the gateway', variable: 'PORT', host: '0.0.0.0' },
      { port: admin, who: 'the admin port', variable: 'ADMIN_PORT', host: '127.0.0.1' },
      ...SERVICES.map(({ name }, at) => ({
        port: services + at,
        who: `the service ${name}`,
        variable: 'SERVICES_PORT',
        host: '127.0.0.1',
      })),
    ];
    for (const { port, who, variable, host } of wanted) {
      const code = await tryPort(port, host);
      if (code === undefined) continue;
      const why = code === 'EADDRINUSE' ? 'is in use by another program' : `cannot be listened on (${code})`;
      const other = variable === 'SERVICES_PORT' ? services + 1000 : port + 10;
      throw new Error(`Port ${port}, for ${who}, ${why}. Choose another one: ${variable}=${other} npm start`);
    }
  }

  #welcome() {
    const { gateway, admin, services } = this.#ports;
    const at = `http://localhost:${gateway}`;
    const lines = SERVICES.map(({ name, about }, index) => {
      const { pid } = this.#children[index];
      return `  ${name.padEnd(9)} 127.0.0.1:${services + index}  process ${String(pid).padEnd(7)}  ${about}`;
    });
    return `
Portcullis is running on ${at} (admin: http://127.0.0.1:${admin}), configured by
${this.#copy ? join(this.#copy, 'portcullis.yaml') : 'examples/quickstart/portcullis.yaml; change it while this runs, and it is loaded again'}

Its processes:
  gateway   0.0.0.0:${String(gateway).padEnd(7)} process ${String(this.#gateway.pid).padEnd(7)}  Portcullis itself
${lines.join('\n')}

Open ${at}/ in a browser: sign in as alice (password: alice), and ask two services, each of which gets a token of its own.

Try, in another terminal, in this folder:
  curl ${at}/welcome
  curl -i ${at}/projects/me                           # 401: nobody is signed in
  curl -i ${at}/orders
  curl -i ${at}/orders -H 'content-type: application/json' -d '{"item":"ladder","quantity":1}'
  curl -i -X DELETE ${at}/orders/2
  curl -i -H 'X-Name: Ada' ${at}/hello                # a policy of one's own: X-Greeting
  curl -i ${at}/old-orders/1                          # a redirect
  curl -i -H 'Host: status.localhost' ${at}/          # a route by host
  curl -N -m 4 ${at}/clock                            # Server-Sent Events, for four seconds
  curl -i '${at}/slow?ms=5000'                        # 504: the route waits two seconds
  curl -i ${at}/failing/reset                         # 502: no answer from the service
  for i in 1 2 3 4; do curl -i ${at}/guarded/500; done    # three failures: the circuit breaker opens, the fallback answers
  curl 'http://127.0.0.1:${admin}/services?name=hello-1'       # two targets, and how they are
  node_modules/.bin/node examples/quickstart/say.ts ws://localhost:${gateway}/echo hello
  curl http://127.0.0.1:${admin}/metrics

Stop with Ctrl-C.
`;
  }
}

function readPorts(env) {
  const read = (name, standard, last) => {
    const text = env[name];
    if (text === undefined || text === '') return standard;
    const port = Number(text);
    if (!/^\d{1,5}$/.test(text) || port < 1 || port > last)
      throw new Error(`${name} is ${JSON.stringify(text)}, not a port from 1 to ${last}`);
    return port;
  };
  return {
    gateway: read('PORT', GATEWAY_PORT, 65_535),
    admin: read('ADMIN_PORT', ADMIN_PORT, 65_535),
    services: read('SERVICES_PORT', SERVICES_PORT, 65_536 - SERVICES.length),
  };
}

/** Undefined when the port is free, else the code of the error. */
function tryPort(port, host) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(error.code));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether the gateway says that it takes requests. */
async function isReady(adminPort) {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

function isRunning(child) {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** Asks a child to end, and makes it end when it has not within the limit. */
async function end(child, limitMs) {
  if (!isRunning(child)) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await gone;
  clearTimeout(timer);
}

/** Waits for what `start` resolves, but not longer than the limit. */
async function before(limitMs, text, start) {
  let timer;
  try {
    await new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(text)), limitMs);
      start(resolve);
    });
  } finally {
    clearTimeout(timer);
  }
}
