using System.Net;
using KkiMesh.TestKit;

namespace KkiMesh.Mesh.Tests;

/// <summary>What the mesh starts on a developer's machine is not to be reached from another one.</summary>
[Collection<OnWholeMesh>]
public sealed class LoopbackTests(WholeMesh mesh)
{
    [Fact]
    public void Nothing_that_the_mesh_starts_listens_on_anything_but_loopback()
    {
        var listening = ListeningSockets.Of(Environment.ProcessId);

        // The gateway, and a distribution port of Erlang's beside those that are given: the sight is not empty.
        Assert.Contains(listening, l => l.Port == mesh.Run.Gateway.Port);
        Assert.True(listening.Count > 15, string.Join(", ", listening));
        Assert.DoesNotContain(listening, l => !IPAddress.IsLoopback(l.Address));
    }
}
