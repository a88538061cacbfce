// `openapi-client-axios`, a generic client that takes its methods from the OpenAPI document that the server publishes.
import OpenAPIClientAxios from 'openapi-client-axios'
import { take } from './steps.mjs'

let client

const told = ({ status, data }) => ({ status, body: data })

await take({
  async connect ({ base_url: baseUrl, dialect, headers }) {
    const definition = await (await fetch(`${baseUrl}/openapi/${dialect}.json`)).json()
    // A server that publishes no address of its own in the document is where the document came from.
    const api = new OpenAPIClientAxios.default({ definition: { servers: [{ url: baseUrl }], ...definition } })
    client = await api.init()
    Object.assign(client.defaults.headers, headers)
    return Object.fromEntries(api.getOperations().map(({ method, path, operationId }) => [`${method} ${path}`, operationId]))
  },
  call: async ({ operation, parameters, json }) => told(await client[operation](parameters ?? null, json ?? undefined))
}, (error) => (error.response ? told(error.response) : {}))
