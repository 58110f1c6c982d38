// The object identifiers that certificates, requests and revocation lists of this product use,
// under the names of RFC 5280 and RFC 5480. Nothing but names: no code decides anything here.

/** RFC 5280 4.1.2.4: attributes of a name. */
export const oidCommonName = '2.5.4.3';
export const oidOrganizationName = '2.5.4.10';
export const oidOrganizationalUnitName = '2.5.4.11';

/** RFC 5480 and RFC 5758: the one kind of key and the one signature algorithm. */
export const oidEcPublicKey = '1.2.840.10045.2.1';
export const oidPrime256v1 = '1.2.840.10045.3.1.7';
export const oidEcdsaWithSha256 = '1.2.840.10045.4.3.2';

/** RFC 5280 4.2.1 and 5.2: extensions. */
export const oidSubjectKeyIdentifier = '2.5.29.14';
export const oidKeyUsage = '2.5.29.15';
export const oidSubjectAltName = '2.5.29.17';
export const oidBasicConstraints = '2.5.29.19';
export const oidCrlNumber = '2.5.29.20';
export const oidReasonCode = '2.5.29.21';
export const oidAuthorityKeyIdentifier = '2.5.29.35';
export const oidExtendedKeyUsage = '2.5.29.37';

/** RFC 5280 4.2.1.12: purposes. */
export const oidServerAuth = '1.3.6.1.5.5.7.3.1';
export const oidClientAuth = '1.3.6.1.5.5.7.3.2';

/** RFC 2985 5.4.2: the attribute of a request that asks for extensions. */
export const oidExtensionRequest = '1.2.840.113549.1.9.14';
