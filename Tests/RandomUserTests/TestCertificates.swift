/// An authority made for these tests alone, and a certificate of it for 127.0.0.1 and localhost. They guard nothing.
enum TestCertificates {
    static let authority = """
        -----BEGIN CERTIFICATE-----
        MIIBhTCCASugAwIBAgIUaBKN327S6qoZJG9K6pVKI/gZBYgwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMTGVhdCB0ZXN0IENBMCAXDTI2MTEyNDEwNTkyN1oYDzIxMjYx
        MDMxMTA1OTI3WjAXMRUwEwYDVQQDDAxMZWF0IHRlc3QgQ0EwWTATBgcqhkjOPQIB
        BggqhkjOPQMBBwNCAASqHimidKZEMEqkljd2ZX+BgTxodyRilWTe1rPFyDJdgAHE
        P/6NHCuD+APmuW4hIJwePzaXPrhfQzbTzmyKPsDqo1MwUTAdBgNVHQ4EFgQUSG2y
        oAjqV405eyjP8LrLDOCgUfMwHwYDVR0jBBgwFoAUSG2yoAjqV405eyjP8LrLDOCg
        UfMwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAnrXljm+4MRqd
        lSO8DDI0odfC27r5AeaWyfK4hS+j0vgCIGL1tE6iJbmME1Y8u4alBxMzqvBA02VB
        VlfZlWUn+WXW
        -----END CERTIFICATE-----
        """

    static let server = """
        -----BEGIN CERTIFICATE-----
        MIIBlzCCAT6gAwIBAgIURuUEaOZTsPrvVcbkIlDiQrD+X5QwCgYIKoZIzj0EAwIw
        FzEVMBMGA1UEAwwMTGVhdCB0ZXN0IENBMCAXDTI2MTEyNDEwNTkyN1oYDzIxMjYx
        MDMxMTA1OTI3WjAUMRIwEAYDVQQDDAkxMjcuMC4wLjEwWTATBgcqhkjOPQIBBggq
        hkjOPQMBBwNCAAQnfqoUg1TAQeyRSwbVOCEggIxpjtLPDY200LTBrD3i4nV3PS8/
        YPF1CnvHQ3VVuHNzCrdRa/vUTYPX9n1mEk+Do2kwZzAaBgNVHREEEzARhwR/AAAB
        gglsb2NhbGhvc3QwCQYDVR0TBAIwADAdBgNVHQ4EFgQUOWeOtzmOOx5CG1ZH2vwI
        NdOS0zgwHwYDVR0jBBgwFoAUSG2yoAjqV405eyjP8LrLDOCgUfMwCgYIKoZIzj0E
        AwIDRwAwRAIgcFP0+ch8784tTAaZKHMjZKq33rKpkBvqN8PN0P2JEd4CIG+JU/vP
        +7N08cY47bPZr6yCZ8GhEgYkUvihd1d9Po2z
        -----END CERTIFICATE-----
        """

    static let serverKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWAE66FUUVob9JAuX
        R3laItL315ps9lNUwpmXONc1BdChRANCAAQnfqoUg1TAQeyRSwbVOCEggIxpjtLP
        DY200LTBrD3i4nV3PS8/YPF1CnvHQ3VVuHNzCrdRa/vUTYPX9n1mEk+D
        -----END PRIVATE KEY-----
        """
}
