import { secureHeaders } from "hono/secure-headers";

/**
 * Lets browsers do nothing with an answer except read it. The docs page and the model reports are pages with
 * their own Content-Security-Policy, which `overwrite: false` keeps.
 */
export const securityHeaders = secureHeaders({
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  referrerPolicy: "no-referrer",
  strictTransportSecurity: "max-age=31536000",
  xContentTypeOptions: "nosniff",
  overwrite: false,
  crossOriginResourcePolicy: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});
