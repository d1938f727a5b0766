export const diffUpper: any = null
export const unpackLayer: any = null
