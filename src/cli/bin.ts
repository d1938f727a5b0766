import { main } from './main.ts'

// Output is written synchronously, so nothing is lost by leaving at once; waiting for idle sockets would be.
process.exit(await main(process.argv.slice(2)))
