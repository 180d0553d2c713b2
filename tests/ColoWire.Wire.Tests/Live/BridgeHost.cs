// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// A bridge host, prepared by the script that operators use, with cables to a primary guest, a secondary guest and the outside,
/// each of them a network namespace. With several pipelines there are as many cables to each, for as many appliances.
/// </summary>
internal sealed class BridgeHost : IDisposable
{
    private readonly List<NetworkNamespace> spaces = [];

    /// <summary>Lays the cables.</summary>
    /// <param name="ports">What the programs that run here are to open.</param>
    /// <param name="pipelines">How many cables to each.</param>
    /// <param name="queues">How many queues each end of a cable has.</param>
    public BridgeHost(LivePorts ports = LivePorts.Pcap, int pipelines = 1, int queues = 1)
    {
        Ports = ports;
        try
        {
            Scratch = Directory.CreateTempSubdirectory("colowire-live-").FullName;
            PrimaryGuest = Add();
            SecondaryGuest = Add();
            Host = Add();
            Outside = Add();
            for (int pipeline = 0; pipeline < pipelines; pipeline++)
                Lay(pipeline, queues);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public LivePorts Ports { get; }

    public NetworkNamespace PrimaryGuest { get; } = null!;

    public NetworkNamespace SecondaryGuest { get; } = null!;

    public NetworkNamespace Host { get; } = null!;

    public NetworkNamespace Outside { get; } = null!;

    /// <summary>A folder that goes with the host.</summary>
    public string Scratch { get; } = string.Empty;

    /// <summary>The root of the repository that the tests were built from.</summary>
    public static string Root { get; } = FindRoot();

    public static string PrimaryPort(int pipeline) => $"primary{pipeline}";

    public static string SecondaryPort(int pipeline) => $"secondary{pipeline}";

    public static string OutPort(int pipeline) => $"out{pipeline}";

    /// <summary>The other end of a cable, as guests and the outside call it.</summary>
    public static string Wire(int pipeline) => $"wire{pipeline}";

    public static string Fixture(string name) => Path.Combine(Root, "tests", "fixtures", name);

    /// <summary>Takes the programs off the capture interfaces that outlive their process, so that frames reach whoever comes
    /// next.</summary>
    public void RemovePrograms(int pipeline)
    {
        foreach (string port in (string[])[PrimaryPort(pipeline), SecondaryPort(pipeline), OutPort(pipeline)])
        {
            bool isThere = false;
            Host.Inside(() => isThere = InterfaceIndex.Find(port) is not null);
            foreach (string hook in isThere ? (string[])["xdpdrv", "xdpgeneric"] : [])
                Shell.Run("ip", "-n", Host.Name, "link", "set", "dev", port, hook, "off");
        }
    }

    /// <summary>Removes a cable.</summary>
    public void RemoveCable(string port) => Host.Inside($"ip link del {port}");

    /// <summary>Lays a cable again that was removed, as the one before was.</summary>
    public void LayCableAgain(int pipeline, string port)
    {
        NetworkNamespace space = port == PrimaryPort(pipeline) ? PrimaryGuest : port
            == SecondaryPort(pipeline) ? SecondaryGuest : Outside;
        LayCable(space, pipeline, port, queues: 1);
        Host.Inside($"ethtool -K {port} tx off rx off tso off gso off gro off");
        Host.Inside($"ip link set {port} arp off up");
    }

    public void Dispose()
    {
        foreach (NetworkNamespace space in spaces)
            space.Dispose();
        if (Scratch.Length != 0)
            Directory.Delete(Scratch, recursive: true);
    }

    private NetworkNamespace Add()
    {
        NetworkNamespace space = new();
        spaces.Add(space);
        return space;
    }

    private void Lay(int pipeline, int queues)
    {
        (NetworkNamespace Space, string Port)[] ends =
            [(PrimaryGuest, PrimaryPort(pipeline)), (SecondaryGuest, SecondaryPort(pipeline)), (Outside, OutPort(pipeline))];
        foreach ((NetworkNamespace space, string port) in ends)
            LayCable(space, pipeline, port, queues);

        string script = Path.Combine(Root, "native-config", "prepare.sh");
        string state = $"COLOWIRE_PREPARE_STATE={Path.Combine(Scratch, "prepared")}";
        Shell.Run(Host.Words(["env", state, script, .. ends.Select(end => end.Port)]));
    }

    private void LayCable(NetworkNamespace space, int pipeline, string port, int queues)
    {
        string count = $"numrxqueues {queues} numtxqueues {queues}";
        string cable = $"{Wire(pipeline)} {count} netns {space.Name} type veth peer name {port} {count} netns {Host.Name}";
        Shell.Run([.. $"ip link add {cable}".Split(' ')]);
        space.Inside($"ip link set {Wire(pipeline)} arp off up");
        space.Inside($"ethtool -K {Wire(pipeline)} tx off rx off tso off gso off gro off");
    }

    private static string FindRoot()
    {
        string? folder = TestContext.CurrentContext.TestDirectory;
        while (folder != null && !File.Exists(Path.Combine(folder, "ColoWire.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("ColoWire.sln");
    }
}
