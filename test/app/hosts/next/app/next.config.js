import { dirname } from 'node:path'
import { ownHeaders } from './lib/trial.mjs'

export default {
  turbopack: { root: dirname(import.meta.dirname) },
  headers: async () => [
    { source: '/try/:what', headers: Object.entries(ownHeaders).map(([key, value]) => ({ key, value })) },
  ],
}
