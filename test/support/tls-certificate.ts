/**
 * A certificate for 127.0.0.1 and localhost that signed itself, and its key, for servers of tests.
 * The key protects nothing. Made with `openssl req -x509`; it ends in the year 2126.
 */
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUTf7QPq7trzYiXCyK6c5wt9j3qmQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJMTI3LjAuMC4xMCAXDTI2MTEyMjIxMzM0N1oYDzIxMjYxMDI5
MjEzMzQ3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASsAZyUD2MnxYTUqQwdP7ACCROsHHs2ODdKLbF/MQ14bHoSzFIt1Huw
4/L+9Xekx5Ca7MuotRmJXQrNshb1FVuGo28wbTAdBgNVHQ4EFgQUM0jLm2TZjGu3
T/qeByH1T+bKIt0wHwYDVR0jBBgwFoAUM0jLm2TZjGu3T/qeByH1T+bKIt0wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2NhbGhvc3QwCgYIKoZI
zj0EAwIDSQAwRgIhAKqk5FuIKhu18kPKinFAB8WA83rconzuTJa0QCpUKHzKAiEA
nahxUWrHOz+muw9jHOeMKHlfdLxHgRrpGkm+dvatTNc=
-----END CERTIFICATE-----
`;

export const testCertificateKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgmalBi6sGWDylgenr
Ot/4fLfq4EKsjLzLYFz48yK7mqWhRANCAASsAZyUD2MnxYTUqQwdP7ACCROsHHs2
ODdKLbF/MQ14bHoSzFIt1Huw4/L+9Xekx5Ca7MuotRmJXQrNshb1FVuG
-----END PRIVATE KEY-----
`;
