// Loaded before a child's own code (`node --import`): ends the child when the process that started it is gone, however it went.
import { isMainThread } from 'node:worker_threads';

if (isMainThread && process.connected) {
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // Waiting for that alone must not keep the process alive.
  process.channel?.unref();
}
