// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using System.Net.Sockets;
using ColoWire.Control;
using ColoWire.Ports;
using ColoWire.Tests.Ports;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Control;

internal sealed class ControlSocketTests
{
    [Test]
    public void Its_path_is_for_user_and_group_and_goes_with_it()
    {
        using ScratchFolder folder = new();
        string path = folder.File("c");
        using (ControlSocket.Listen(path))
        {
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(
                UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
        }

        Assert.That(File.Exists(path), Is.False);
    }

    [Test]
    public void What_a_dead_process_left_is_taken_over()
    {
        using ScratchFolder folder = new();
        string path = folder.File("c");
        using (Socket dead = ControlSocket.NewSocket())
        {
            dead.Bind(new UnixDomainSocketEndPoint(folder.File("other name")));
            // A socket that is closed removes the path that it knows.
            File.Move(folder.File("other name"), path);
        }

        Assert.That(File.Exists(path), Is.True);
        using ControlSocket socket = ControlSocket.Listen(path);
        using Socket client = ControlSocket.NewSocket();
        Assert.That(() => client.Connect(new UnixDomainSocketEndPoint(path)), Throws.Nothing);
    }

    [Test]
    public void One_of_a_living_process_is_refused_and_goes_on()
    {
        using ScratchFolder folder = new();
        string path = folder.File("c");
        using ControlSocket living = ControlSocket.Listen(path);
        Assert.That(() => ControlSocket.Listen(path), Throws.TypeOf<PortException>().With.Message.EqualTo(
            $"control_socket '{path}': cannot listen there: a running process does so already: stop it, or give each "
            + "instance a path of its own"));
        using Socket client = ControlSocket.NewSocket();
        Assert.That(() => client.Connect(new UnixDomainSocketEndPoint(path)), Throws.Nothing);
    }

    [TestCase(0)]
    [TestCase(1)]
    public void A_file_that_is_no_socket_is_kept(int bytes)
    {
        using ScratchFolder folder = new();
        string path = folder.Write("c", new byte[bytes]);
        Assert.That(
            () => ControlSocket.Listen(path), Throws.TypeOf<PortException>().With.Message.Contains("a file that is no socket"));
        Assert.That(File.ReadAllBytes(path), Has.Length.EqualTo(bytes));
    }

    [Test]
    public void A_folder_is_no_path_of_a_socket()
    {
        using ScratchFolder folder = new();
        Assert.That(() => ControlSocket.Listen(folder.Path), Throws.TypeOf<PortException>().With.Message.EqualTo(
            $"control_socket '{folder.Path}': cannot listen there: that is a folder: name a path in it"));
    }

    [Test]
    public void A_folder_that_is_missing_is_named()
    {
        using ScratchFolder folder = new();
        Assert.That(() => ControlSocket.Listen(folder.File("none/c")), Throws.TypeOf<PortException>().With.Message.EqualTo(
            $"control_socket '{folder.File("none/c")}': cannot listen there: there is no folder '{folder.File("none")}': "
            + "create it, or name another path"));
    }

    [Test]
    public void A_path_may_be_empty_and_not_longer_than_a_socket_knows()
    {
        Assert.That(OptionCase.Load($"{{ {OptionCase.RequiredPorts}, \"control_socket\": \"\" }}").ControlSocket, Is.Null);
        Assert.That(OptionCase.Load($"{{ {OptionCase.RequiredPorts}, \"control_socket\": \"/run/c\" }}").ControlSocket,
            Is.EqualTo("/run/c"));
        string tooLong = new('x', 108);
        OptionCase.AssertEqual(
            OptionCase.Faults([.. OptionCase.PortArguments, "--control-socket", tooLong]),
            $"--control-socket (command line): '{tooLong}': a socket's path has at most 107 bytes");
        OptionCase.AssertEqual(
            OptionCase.Faults($"{{ {OptionCase.RequiredPorts}, \"control_socket\": 7 }}"),
            "control_socket (colowire.json): 7 is no path: a path, or empty for none");
    }
}
