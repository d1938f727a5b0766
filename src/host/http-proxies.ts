import connect from 'undici/lib/api/api-connect.js'
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js'
import EnvHttpProxyAgent from 'undici/lib/dispatcher/env-http-proxy-agent.js'
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'

// a proxy agent opens its tunnels by this method, which only the whole of undici adds to its class
Dispatcher.prototype.connect = connect

export { EnvHttpProxyAgent, ProxyAgent }
