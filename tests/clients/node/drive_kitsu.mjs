// `kitsu`, a generic client for JSON:API.
import Kitsu from 'kitsu'
import { take } from './steps.mjs'

let api

const shown = ({ status, data, meta, jsonapi, headers }) =>
  ({ status, data, meta, jsonapi, location: headers?.location ?? null })

await take({
  connect ({ base_url: baseUrl, headers }) {
    // Types and paths are sent as they are documented, not as kitsu would spell them.
    const spelling = { camelCaseTypes: false, pluralize: false, resourceCase: 'none' }
    api = new Kitsu({ baseURL: `${baseUrl}/api/public/v1`, headers, ...spelling })
  },
  create: async (attributes) => shown(await api.create('payment_links', attributes)),
  read: async ({ id }) => shown(await api.get(`payment_links/${id}`, { params: { include: 'target' } })),
  listed: async (params) => shown(await api.get('payment_links', { params })),
  // Kitsu makes a body of the type even where nothing is to be said.
  expire: async ({ id }) => shown(await api.request({
    method: 'POST', url: `payment_links/${id}/expiration`, type: 'payment_links', axiosOptions: { data: undefined }
  }))
}, (error) => ({ status: error.response?.status ?? null, errors: error.errors ?? null }))
