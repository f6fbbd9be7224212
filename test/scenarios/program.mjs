// Runs the list of cases where there is no page: RUNTIME program.mjs URL KEY
import { argv } from 'node:process'
import { EventSource } from '../../dist/entry/client.js'
import { runCases } from './run.mjs'

const [url = '', key = ''] = argv.slice(2)
/** @type {any} */
const ours = EventSource
const results = await runCases({ EventSource: ours, url, isBrowser: false })
await fetch(`${url}/results/${key}`, { method: 'POST', body: JSON.stringify(results) })
