import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // `imports` of package.json, of the source.
  resolve: { alias: { '#decode': fileURLToPath(new URL('src/wire/decode-node.ts', import.meta.url)) } },
  test: {
    // The hub that the suites start serves it; a plain `tsc -b` does not make it.
    globalSetup: 'scripts/bundle.mjs',
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxWorkers: 2,
  },
})
