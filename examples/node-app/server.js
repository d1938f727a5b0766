const http = require('node:http')
const isOdd = require('is-odd')

const port = Number(process.env.PORT || 3000)
http
  .createServer((request, response) => {
    response.end(`port ${port} is ${isOdd(port) ? 'odd' : 'even'}\n`)
  })
  .listen(port, () => console.log(`listening on port ${port}`))
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0))
