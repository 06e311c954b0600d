'use strict'

// Everybody may relay, and all mail goes to the next hop that config/onward.ini names. USR2 tries
// at once whatever waits. Clients' names are not looked up.

const outbound = require('./outbound')

exports.register = function () {
    const { hop } = this.config.get('onward.ini')
    const port = parseInt(hop.port, 10)

    this.register_hook('lookup_rdns', 'lookup_rdns')
    this.register_hook('connect', 'let_relay')
    this.hook_get_mx = (next, hmail, domain) => {
        const spread = hop.spread && /\.(\d+)-(\d+)-(\d+)\.example$/.exec(domain)
        const exchange = spread ? `127.${spread.slice(1).join('.')}` : '127.0.0.1'
        next(OK, [{ priority: 0, exchange, port }])
    }
    this.register_hook('get_mx', 'hook_get_mx')
    process.on('SIGUSR2', () => outbound.flush_queue(null, process.pid))
}

exports.lookup_rdns = (next, connection) => next(OK, 'localhost')

exports.let_relay = (next, connection) => {
    connection.relaying = true
    next()
}
