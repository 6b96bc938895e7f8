"""Pushes over gRPC with the C library's client, the one syslog-ng's loki() is built on.

Arguments: address, tenant, compression (none, gzip, deflate), method. Reads protobuf messages from stdin,
one a line in hexadecimal; prints the code and text of each answer as one line of JSON.
"""
import json
import sys

import grpc

address, tenant, compression, method = sys.argv[1:]
algorithm = {
    "none": grpc.Compression.NoCompression,
    "gzip": grpc.Compression.Gzip,
    "deflate": grpc.Compression.Deflate,
}[compression]
unchanged = bytes
with grpc.insecure_channel(address, compression=algorithm) as channel:
    push = channel.unary_unary(method, unchanged, unchanged)
    check = channel.unary_unary("/grpc.health.v1.Health/Check", unchanged, unchanged)
    print(json.dumps(["health", check(b"", timeout=10).hex()]))
    for line in sys.stdin:
        try:
            push(bytes.fromhex(line), timeout=10, metadata=[("x-scope-orgid", tenant)])
            print(json.dumps(["OK", ""]))
        except grpc.RpcError as error:
            print(json.dumps([error.code().name, error.details()]))
