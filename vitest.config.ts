import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks', // uWebSockets.js is a native addon that cannot be loaded twice in one process
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
