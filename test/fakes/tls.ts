/**
 * A certificate for the fake API server, which is its own authority and a client's certificate as well: for localhost, api-server.test and 127.0.0.1, valid until 2126. The key is public, and good for
 * nothing but tests. Made by: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500, with basicConstraints CA:TRUE and these subjectAltNames.
 */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIByDCCAW6gAwIBAgIUFxGmZXIb6Gf8FlcjkFRthQBVWFowCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPYXBpLXNlcnZlci50ZXN0MCAXDTI2MTEyMTEyMjkwM1oYDzIx
MjYxMDI4MTIyOTAzWjAaMRgwFgYDVQQDDA9hcGktc2VydmVyLnRlc3QwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAARAczxHxA4ZYzyiWxf0YKKEfr6aBa7CWa5/tTCK
o2dVHG/62Y0H9rIwt/ZEUDMZPS53YnUxiJu5/CDs22bL4++io4GPMIGMMA8GA1Ud
EwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgKEMB0GA1UdJQQWMBQGCCsGAQUFBwMB
BggrBgEFBQcDAjArBgNVHREEJDAigglsb2NhbGhvc3SCD2FwaS1zZXJ2ZXIudGVz
dIcEfwAAATAdBgNVHQ4EFgQUkdQ+hvVJ+aaPsWymlpT3h/6ADsAwCgYIKoZIzj0E
AwIDSAAwRQIgDNAKzPO8H+9uOAvZ6lTwvXreyFLM4zuRNM0eUu/dUcwCIQCp8ch7
bnVPRFQnN+K1JJz08ilrKkQ/TVa7uXWMiBnajA==
-----END CERTIFICATE-----
`;

export const privateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgX/rQkh3s5YV3C2RW
FB3oxnL2rW+WBcDemj1hZwKvLTahRANCAARAczxHxA4ZYzyiWxf0YKKEfr6aBa7C
Wa5/tTCKo2dVHG/62Y0H9rIwt/ZEUDMZPS53YnUxiJu5/CDs22bL4++i
-----END PRIVATE KEY-----
`;
