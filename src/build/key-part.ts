/** Plain JSON: what a cache key is made of, kept whole so that a miss can be explained. */
export type KeyPart = null | boolean | number | string | readonly KeyPart[] | { readonly [key: string]: KeyPart }
