// `npm start`: installs what is missing, then runs the quickstart: Portcullis in front of a few small services.
import { installedNode, root } from './install.mjs';
import { Quickstart } from './quickstart.mjs';

const node = installedNode();
const quickstart = new Quickstart({ node, root, env: process.env, print: (text) => console.log(text) });

// A second signal changes nothing: stopping is already under way, and is bounded.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void quickstart.stop());
process.exitCode = await quickstart.run();
