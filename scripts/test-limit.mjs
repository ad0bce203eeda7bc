// Loaded into each process of tests before them: `--test-timeout` fails a test that hangs, and leaves its process to run for ever.
import { isMainThread } from 'node:worker_threads';

const LIMIT_MS = 240_000;

// The runner itself is not limited, nor are threads.
if (process.env.NODE_TEST_CONTEXT !== undefined && isMainThread)
  setTimeout(() => {
    const held = [...new Set(process.getActiveResourcesInfo())].join(', ');
    console.error(`${process.argv[1]} still runs after ${LIMIT_MS / 1000} s; it is held by: ${held}`);
    process.exit(1);
  }, LIMIT_MS).unref();
